package alert

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

func newMasker(t testing.TB, extra ...string) *Masker {
	t.Helper()
	m, err := NewMasker(extra...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMaskText(t *testing.T) {
	jwt := "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
	tests := []struct{ name, in, want string }{
		{"flag", "psql --password hunter2 -h db", "psql --password *** -h db"},
		{"flag with =", "app --db-password=hunter2 --verbose", "app --db-password=*** --verbose"},
		{"flag of Go", "app -token abc", "app -token ***"},
		{"flag in capitals", "app --API-KEY abc", "app --API-KEY ***"},
		{"pass", "openssl x --pass hunter2", "openssl x --pass ***"},
		{"quoted", `app --secret "two words" x`, `app --secret *** x`},
		{"assignment", "PGPASSWORD=hunter2 psql", "PGPASSWORD=*** psql"},
		{"assignments", "MYSQL_PWD=a GITHUB_TOKEN=b X=c", "MYSQL_PWD=*** GITHUB_TOKEN=*** X=c"},
		{"number at the end", "PASSWORD2=a", "PASSWORD2=***"},
		{"AWS variables", "AWS_SECRET_ACCESS_KEY=abc/def+x aws s3 ls", "AWS_SECRET_ACCESS_KEY=*** aws s3 ls"},
		{"query", "curl https://h/x?api_key=abc", "curl https://h/x?api_key=***"},
		{"JSON", `curl -d {"user":"me","password":"hunter 2"} h`, `curl -d {"user":"me","password":***} h`},
		{"header", "curl -H X-Api-Key: abc h", "curl -H X-Api-Key: *** h"},
		{"bearer", "curl -H Authorization: Bearer abcdefgh123 h", "curl -H Authorization: Bearer *** h"},
		{"basic", "curl -H Authorization: Basic dXNlcjpwYXNz h", "curl -H Authorization: Basic *** h"},
		{"bearer alone", "x bearer abcdefgh123", "x bearer ***"},
		{"URL", "git clone https://me:hunter2@host/repo", "git clone https://me:***@host/repo"},
		{"URL, @ in the secret", "psql postgres://me:p@ss:w@db:5432/x", "psql postgres://me:***@db:5432/x"},
		{"URL, empty user", "redis://:hunter2@cache:6379", "redis://:***@cache:6379"},
		{"URL, token", "git clone https://0123456789abcdef0123@host/r", "git clone https://***@host/r"},
		{"curl -u", "curl -s -u me:hunter2 https://h", "curl -s -u me:*** https://h"},
		{"sshpass", "sshpass -p hunter2 ssh h", "sshpass -p *** ssh h"},
		{"sshpass, attached", "sshpass -phunter2 ssh h", "sshpass -p*** ssh h"},
		{"mysql", "mysql -u root -phunter2 db", "mysql -u root -p*** db"},
		{"redis", "redis-cli -h x -a hunter2 ping", "redis-cli -h x -a *** ping"},
		{"program as an argument", "curl https://h/mysql -u me:hunter2", "curl https://h/mysql -u me:***"},
		{"program behind =", "docker run --entrypoint=mysql x -phunter2", "docker run --entrypoint=mysql x -p***"},
		{"two programs", "sshpass -p a ssh -p 22 h mysqldump -pb", "sshpass -p *** ssh -p 22 h mysqldump -p***"},
		{"curl, joined flags", "curl -su me:hunter2 h", "curl -su me:*** h"},
		{"bearer twice", "x bearer bearer abcdefgh123", "x bearer bearer ***"},
		{"token of a scheme", "x --header token: Bearer abcdefgh123", "x --header token: *** ***"},
		{"AWS key", "aws configure set k AKIAIOSFODNN7EXAMPLE", "aws configure set k ***"},
		{"GitHub token", "x ghp_0123456789abcdefghijABCDEFGHIJ012345 y", "x *** y"},
		{"JWT", "x " + jwt + " y", "x *** y"},
		{"private key", "echo -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "echo -----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----"},

		{"working directory", "PWD=/home/me OLDPWD=/tmp", "PWD=/home/me OLDPWD=/tmp"},
		{"from standard input", "docker login --password-stdin registry", "docker login --password-stdin registry"},
		{"file of a token", "app --token-file /run/token", "app --token-file /run/token"},
		{"file of a password", "DB_PASSWORD_FILE=/run/x", "DB_PASSWORD_FILE=/run/x"},
		{"next flag", "app --password --host db", "app --password --host db"},
		{"names of files", "cat /etc/passwd /etc/shadow", "cat /etc/passwd /etc/shadow"},
		{"a program named passwd", "passwd root", "passwd root"},
		{"other programs' -u", "docker run -u 1000:1000 x", "docker run -u 1000:1000 x"},
		{"other programs' -p", "mkdir -p /a/b", "mkdir -p /a/b"},
		{"URL without a secret", "curl https://me@host/x https://host:8080/a@b", "curl https://me@host/x https://host:8080/a@b"},
		{"compass", "compass=north bypass x", "compass=north bypass x"},
		{"nothing", "", ""},
	}
	m := newMasker(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := m.Text(tt.in)
			if got != tt.want {
				t.Errorf("Text(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
			if again := m.Text(got); again != got {
				t.Errorf("masking twice: %q, then %q", got, again)
			}
		})
	}
}

func TestMaskArgs(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"blank in the secret", "app|--password|two words|x", "app|--password|***|x"},
		{"blank after =", "app|--password=two words|x", "app|--password=***|x"},
		{"variable", "env|TOKEN=two words|x", "env|TOKEN=***|x"},
		{"header", "curl|-H|X-Api-Key: two words|h", "curl|-H|X-Api-Key: ***|h"},
		{"script", "sh|-c|TOKEN=x evil --now", "sh|-c|TOKEN=*** evil --now"},
		{"user of curl, blank in the secret", "curl|-u|me:two words|h", "curl|-u|me:***|h"},
		{"mysql, blank in the secret", "/usr/bin/mysql|-ptwo words|db", "/usr/bin/mysql|-p***|db"},
		{"dash in the secret", "app|--token|-secret|x", "app|--token|***|x"},
		{"flag without a value", "app|--token|--host|x", "app|--token|--host|x"},
		{"at the end", "app|--token", "app|--token"},
		{"program", "-token|x", "-token|x"},
	}
	m := newMasker(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := strings.Split(tt.in, "|")
			if diff := cmp.Diff(strings.Split(tt.want, "|"), m.Args(in)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if strings.Join(in, "|") != tt.in {
				t.Error("the arguments themselves were changed")
			}
		})
	}
}

func TestMaskExtra(t *testing.T) {
	m := newMasker(t, `acme-(?P<secret>\d+)`, `hush`)
	if got, want := m.Text("x acme-123 hush hush"), "x acme-*** *** ***"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err := NewMasker(`(`)
	var bad *PatternError
	if !errors.As(err, &bad) || bad.Pattern != "(" {
		t.Errorf("error %v", err)
	}
}

func TestMaskNil(t *testing.T) {
	var m *Masker
	img := &event.Image{CmdLine: "app --token x", Argv: event.WordsOf("app", "--token", "x")}
	if m.Text("TOKEN=x") != "TOKEN=x" || m.CommandLine(img) != img.CmdLine || m.Args(img.Argv.List())[2] != "x" {
		t.Error("a nil Masker masks")
	}
}

// hostile are texts that are all hints, and open what they do not close.
var hostile = []string{
	"a-", "token", "-token ", "token=", "token: ", "token=\"", "token: '", "pass-pwd.key_", "http://", "a://b:", `"`, "mysql ", "curl -u ",
	"eyJ", "eyJ-", "eyJeyJeyJ.", "glpat-", "xoxb-", "bearer ", "authorization:", "authorization ", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----",
}

// TestMaskWork counts the bytes that are read: they grow with the text and not
// with its square.
func TestMaskWork(t *testing.T) {
	m := newMasker(t)
	for _, one := range hostile {
		for _, other := range hostile {
			unit := one + other
			s := newScanner(strings.Repeat(unit, maxText/len(unit)), false)
			m.scan(&s)
			if s.read > 6*len(s.text) {
				t.Errorf("%q: %d bytes read of %d", unit, s.read, len(s.text))
			}
		}
	}
}

// TestMaskBound holds that no pattern sees more than the bound.
func TestMaskBound(t *testing.T) {
	longer := "(?s)" + strings.Repeat(".{512}", maxText/512) + ".+"
	m := newMasker(t, longer)
	args := event.WordsOf("app", strings.Repeat("x", 2*maxText), "y")
	img := &event.Image{Comm: "app", Argv: args, CmdLine: args.Joined(), Env: event.WordsOf("A=" + strings.Repeat("y", 2*maxText))}
	texts := map[string]string{
		"Text":        m.Text(strings.Repeat("z", maxText+1)),
		"CommandLine": m.CommandLine(img),
		"Args":        strings.Join(m.Args(args.List()), " "),
		"environment": m.mask(envLine(img.Env)).render(),
		"variable":    m.envValue("A", strings.Repeat("y", 2*maxText)),
	}
	for name, text := range texts {
		if strings.Contains(text, masked) || !strings.Contains(text, cutMark) {
			t.Errorf("%s: %d bytes: %.20q", name, len(text), text)
		}
	}
	if got := m.Text(strings.Repeat("z", maxText)); got != strings.Repeat("z", maxText) {
		t.Errorf("a text of the bound's length became %d bytes", len(got))
	}
}

// TestMaskCut cuts texts within secrets: their begin is one too.
func TestMaskCut(t *testing.T) {
	m := newMasker(t)
	tests := []struct{ name, begin, secret, want string }{
		{"URL", "https://me:", "hunter2@host", "https://me:***…"},
		{"quoted", `x --token "`, `two words" x`, `x --token ***…`},
		{"token", "x ", "ghp_0123456789abcdefghijABCDEFGHIJ012345", "x ***…"},
		{"web token", "x ", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "x ***…"},
		{"bearer", "bearer ", "abcdefgh123", "bearer ***…"},
		{"rune", "x", "üüüüüü", "xüü…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fill := strings.Repeat(" ", maxText-len(tt.begin)-5)
			got := strings.TrimLeft(m.Text(fill+tt.begin+tt.secret), " ")
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzMask masks anything: it never panics, what it returns is no longer than
// the input and its marks, and stays UTF-8.
func FuzzMask(f *testing.F) {
	for _, unit := range hostile {
		f.Add(strings.Repeat(unit, 3), false)
	}
	f.Add("app\x00--password\x00two words\x00\x00-u\x00me:x", true)
	f.Add(strings.Repeat("ü", maxText), true)
	m := newMasker(f, `hush+`)
	f.Fuzz(func(t *testing.T, s string, cut bool) {
		words := event.Words(s)
		img := &event.Image{Comm: "app", Argv: words, CmdLine: "app " + words.Joined(), ArgsCut: cut}
		outs := []string{m.Text(s), m.CommandLine(img), m.mask(argvLine(words)).render(), m.mask(envLine(words)).render(), m.envValue("DB_TOKEN", s)}
		for i, out := range append(outs, m.Args(words.List())...) {
			limit := min(len(s)+len("app "), maxText) + len(masked)*strings.Count(out, masked) + len(cutMark)
			if len(out) > limit {
				t.Errorf("%d: %d bytes of %d: %q", i, len(out), limit, out)
			}
			if utf8.ValidString(s) && !utf8.ValidString(out) {
				t.Errorf("%d: not UTF-8 any more: %q", i, out)
			}
		}
	})
}

func BenchmarkMask(b *testing.B) {
	m := newMasker(b)
	for _, bm := range []struct {
		name, line string
		secret     bool
	}{
		{"secret=no", "/usr/lib/gcc/x86_64-linux-gnu/14/cc1 -quiet -imultiarch x86_64-linux-gnu x.c -o /tmp/x.s", false},
		{"secret=yes", "curl -s -H Authorization: Bearer abcdefgh123 https://me:pw@host/path?x=1 --max-time 30", true},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if (m.Text(bm.line) != bm.line) != bm.secret {
					b.Fatal("masked what is none, or left a secret")
				}
			}
		})
	}
}
