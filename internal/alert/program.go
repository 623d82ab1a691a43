package alert

import "strings"

// program is one that takes a secret with a short flag.
type program uint8

const (
	noProgram program = iota
	httpClient
	sshpass
	mysql
	redis
)

var programNames = [...]struct {
	name string
	kind program
}{
	{"curl", httpClient}, {"wget", httpClient}, {"sshpass", sshpass},
	{"mysql", mysql}, {"mysqldump", mysql}, {"mysqladmin", mysql}, {"mariadb", mysql}, {"mariadb-dump", mysql},
	{"redis-cli", redis},
}

// programHints are in every text that names one of them.
var programHints = [...]string{"curl", "wget", "sshpass", "mysql", "mariadb", "redis-cli"}

// programOf returns the program that a word names, by its end: it may have a
// path, a bracket or a quote before it.
func programOf(word string) program {
	if len(word) < 4 {
		return noProgram
	}
	for _, p := range programNames {
		if rest, ok := strings.CutSuffix(word, p.name); ok && (rest == "" || !isWord(rest[len(rest)-1])) {
			return p.kind
		}
	}
	return noProgram
}

// programs finds the secrets of programs in the words of the text.
func (s *scanner) programs() {
	var p programScan
	for at := s.run(0, isSpace); at < len(s.text); {
		end := s.run(at, notSpace)
		p.word(s, at, end)
		at = s.run(end, isSpace)
	}
}

// programArgs finds them in the items of an argument list, whose secrets may have
// blanks.
func (s *scanner) programArgs(l *line) {
	if len(l.items) == 0 || !s.hasProgram() {
		return
	}
	var p programScan
	if !l.argv {
		p.named[programOf(strings.TrimRight(s.text[:l.items[0].from], " "))] = true
	}
	for _, it := range l.items {
		p.word(s, int(it.from), int(it.to))
	}
}

func (s *scanner) hasProgram() bool {
	for _, hint := range programHints {
		if strings.Contains(s.text, hint) {
			return true
		}
	}
	return false
}

// programScan goes through the words after programs. Several can be meant: the
// name of one may be an argument of another.
type programScan struct {
	named   [redis + 1]bool
	pending program // the next word is the value of a flag of this one
}

// word looks at the next word.
func (p *programScan) word(s *scanner, from, to int) {
	word := s.text[from:to]
	switch {
	case p.pending != noProgram:
		p.secret(s, p.pending, from, to)
	case word == "|" || word == ";" || word == "&&" || word == "||":
		*p = programScan{}
	case len(word) > 1 && word[0] == '-':
		for kind := httpClient; kind <= redis; kind++ {
			if !p.named[kind] {
				continue
			}
			n, whole := kind.flag(word)
			switch {
			case whole:
				p.pending = kind
			case n > 0:
				p.secret(s, kind, from+n, to)
			}
		}
		p.named[programOf(word)] = true // --entrypoint=mysql
	default:
		p.named[programOf(word)] = true
	}
}

// flag returns whether a word that begins with a dash is a whole flag before a
// secret, or where the value begins that is attached to it.
func (p program) flag(word string) (value int, whole bool) {
	switch p {
	case httpClient:
		for _, long := range [...]string{"--user", "--proxy-user"} {
			if rest, ok := strings.CutPrefix(word, long); ok && (rest == "" || rest[0] == '=') {
				return len(long) + 1, rest == ""
			}
		}
		last := word[len(word)-1]
		if word[1] != '-' && len(word) <= 8 && (last == 'u' || last == 'U') && strings.IndexByte(word, ':') < 0 {
			return 0, true // also behind others: -su
		}
		if word[1] == 'u' || word[1] == 'U' {
			return 2, false
		}
	case sshpass:
		if word[1] == 'p' {
			return 2, len(word) == 2
		}
	case mysql:
		if word[1] == 'p' && len(word) > 2 {
			return 2, false
		}
	case redis:
		return 0, word == "-a"
	}
	return 0, false
}

// secret notes a flag's value: all of it, or of user:x what follows the user.
// One flag of a program is enough: what follows may be another's, as the -p of
// sshpass -p x ssh -p 22.
func (p *programScan) secret(s *scanner, kind program, from, to int) {
	p.pending = noProgram
	if kind == httpClient {
		if i := strings.IndexByte(s.text[from:to], ':'); i > 0 {
			s.add(from+i+1, to)
		}
		return
	}
	s.add(from, to)
	p.named[kind] = false
}
