package alert

import (
	"regexp"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// masked stands where a secret was.
const masked = "***"

// secretName ends the name of a flag, a variable or a key whose value is a
// secret. What goes on after it (--password-stdin, TOKEN_FILE) is another name.
// PWD alone is the working directory.
const secretName = `(?:[\w.-]*(?:passwo?r?d|passphrase|passcode|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|` +
	`secret[-_]?key|account[-_]?key|encryption[-_]?key|signing[-_]?key|credential)s?\d*|` +
	`(?:[\w.-]*[-_.])?pass|[\w.-]*[-_.]pwd)`

// quotedOrWord is a value: quoted, or up to the next blank.
const quotedOrWord = `"[^"]*"|'[^']*'|\S+`

// nameHints are in every text that secretName can match.
var nameHints = []string{"pass", "pwd", "secret", "token", "key", "credential"}

// patterns are the secrets that every Masker knows. Each group named secret is
// replaced; without such a group the whole match is. The matching is linear in
// the text's length, and most texts have no hint at all: a pattern is tried when
// the text in lower case contains one of its hints.
var patterns = [...]struct {
	hints []string
	re    string
}{
	// Assignments: PGPASSWORD=x, --db-password=x, ?api_key=x. MYSQL_PWD, not PWD.
	{nameHints, `(?i)(?:^|[^\w.-])` + secretName + `=(?P<secret>` + quotedOrWord + `)`},
	// Flags whose value is the next word: --token x, -password x. A word that
	// begins with a dash is the next flag.
	{nameHints, `(?i)(?:^|\s)--?` + secretName + `\s+(?P<secret>"[^"]*"|'[^']*'|[^\s-]\S*)`},
	// JSON, YAML and HTTP headers: "password": "x", X-Api-Key: x.
	{nameHints, `(?i)(?:^|[^\w.-])` + secretName + `["']?\s*:\s*(?P<secret>"[^"]*"|'[^']*'|[^\s"',;}]+)`},
	// Authorization headers of any scheme, and bearer tokens anywhere.
	{[]string{"authorization"}, `(?i)authorization["']?\s*[:=]\s*["']?(?:(?:basic|bearer|digest|negotiate|token|apikey|aws4-hmac-sha256)\s+)?(?P<secret>[^\s"']+)`},
	{[]string{"bearer"}, `(?i)\bbearer\s+(?P<secret>[\w.~+/=-]{8,})`},
	// URLs: user:x@host, and a long user name alone, which is a token.
	{[]string{"://"}, `(?i)\b[a-z][a-z0-9+.-]*://[^\s/:@?#]*:(?P<secret>[^\s/]+)@`},
	{[]string{"://"}, `(?i)\b[a-z][a-z0-9+.-]*://(?P<secret>[^\s/:@?#]{20,})@`},
	// Programs with a short flag for it.
	{[]string{"curl", "wget"}, `\b(?:curl|wget)\s(?:.*?\s)?(?:-u\s*|--user[\s=]+|-U\s*|--proxy-user[\s=]+)[^\s:]+:(?P<secret>\S+)`},
	{[]string{"sshpass"}, `\bsshpass\s(?:.*?\s)?-p\s*(?P<secret>\S+)`},
	{[]string{"mysql", "mariadb"}, `\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\s(?:.*?\s)?-p(?P<secret>[^\s]+)`},
	{[]string{"redis-cli"}, `\bredis-cli\s(?:.*?\s)?-a\s+(?P<secret>\S+)`},
	// Keys and tokens that show what they are.
	{[]string{"akia", "asia", "abia", "acca"}, `\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b`},
	{[]string{"gh", "glpat-", "xox", "aiza", "sk_live_", "hvs.", "npm_"}, `\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|AIza[\w-]{30,}|sk_live_\w{16,}|hvs\.[\w-]{20,}|npm_[A-Za-z0-9]{30,})`},
	{[]string{"eyj"}, `\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*`},
	{[]string{"private key-----"}, `-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<secret>(?s:.*?))(?:-----END|$)`},
}

// Masker replaces secrets in text. It never changes and is safe for use by any
// number of goroutines. A nil Masker masks nothing.
type Masker struct {
	patterns []pattern
	flag     *regexp.Regexp // a whole argument: the next one is a secret
	assign   *regexp.Regexp // the begin of an argument: its rest is a secret
}

type pattern struct {
	hints []string // none: always tried
	re    *regexp.Regexp
	group int // what is replaced; 0 is the whole match
}

// NewMasker returns a Masker for the usual secrets and for what the extra
// patterns match. An extra pattern is an RE2 expression; with a group named
// secret only that is replaced.
func NewMasker(extra ...string) (*Masker, error) {
	m := &Masker{}
	for _, p := range patterns {
		m.add(regexp.MustCompile(p.re), p.hints)
	}
	for _, text := range extra {
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, &PatternError{Pattern: text, Err: err}
		}
		m.add(re, nil)
	}
	m.flag = regexp.MustCompile(`(?i)^--?` + secretName + `$`)
	m.assign = regexp.MustCompile(`(?i)^` + secretName + `=`)
	return m, nil
}

func (m *Masker) add(re *regexp.Regexp, hints []string) {
	m.patterns = append(m.patterns, pattern{hints: hints, re: re, group: max(0, re.SubexpIndex("secret"))})
}

// PatternError is an extra pattern that does not compile.
type PatternError struct {
	Pattern string
	Err     error
}

func (e *PatternError) Error() string { return "mask pattern " + e.Pattern + ": " + e.Err.Error() }

func (e *PatternError) Unwrap() error { return e.Err }

// Text returns s with every secret that a pattern finds replaced by ***.
func (m *Masker) Text(s string) string {
	if m == nil || s == "" {
		return s
	}
	lower := strings.ToLower(s)
	for i := range m.patterns {
		if p := &m.patterns[i]; p.hinted(lower) {
			s = p.replace(s)
		}
	}
	return s
}

// hinted tells that the pattern may match a text in lower case.
func (p *pattern) hinted(lower string) bool {
	return len(p.hints) == 0 || containsAny(lower, p.hints)
}

func containsAny(s string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

func (p *pattern) replace(s string) string {
	found := p.re.FindAllStringSubmatchIndex(s, -1)
	if found == nil {
		return s
	}
	var b strings.Builder
	end := 0
	for _, at := range found {
		from, to := at[2*p.group], at[2*p.group+1]
		if from < end || from == to {
			continue // the group took no part in this match
		}
		b.WriteString(s[end:from])
		b.WriteString(masked)
		end = to
	}
	b.WriteString(s[end:])
	return b.String()
}

// Args returns a copy of an argument list in which the values of secret flags
// and assignments are replaced whole, blanks and all. It masks nothing else: Text
// does, on the joined line.
func (m *Masker) Args(args []string) []string {
	if m == nil {
		return args
	}
	out := make([]string, len(args))
	next := false
	for i, a := range args {
		out[i] = a
		switch {
		case next && !strings.HasPrefix(a, "--"):
			out[i] = masked
			next = false
		case !containsAny(strings.ToLower(a), nameHints):
			next = false
		default:
			next = i > 0 && m.flag.MatchString(a)
			if at := m.assign.FindStringIndex(a); at != nil {
				out[i] = a[:at[1]] + masked
			}
		}
	}
	return out
}

// CommandLine returns an image's command line without its secrets.
func (m *Masker) CommandLine(img *event.Image) string {
	_, args := img.Argv.Next()
	if m == nil || args == "" {
		return m.Text(img.CmdLine)
	}
	rest := args.Joined()
	name, ok := strings.CutSuffix(img.CmdLine, rest)
	if !ok {
		return m.Text(img.CmdLine) // it was cut differently
	}
	return m.Text(name + strings.Join(m.Args(img.Argv.List())[1:], " "))
}
