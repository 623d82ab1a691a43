package alert

import "strings"

// nameHints are in every name whose value is a secret.
var nameHints = [...]string{"pass", "pwd", "secret", "token", "key", "credential"}

// secretWords end such a name, keyKinds come before a key at its end. What goes
// on after it (--password-stdin, TOKEN_FILE) is another name.
var (
	secretWords = [...]string{"password", "passwd", "passwrd", "passphrase", "passcode", "secret", "token", "credential"}
	keyKinds    = [...]string{"api", "access", "private", "secret", "account", "encryption", "signing"}
)

// isSecretName tells that the value of a flag, a variable or a key with this
// name, in lower case, is a secret. PWD alone is the working directory.
func isSecretName(name string) bool {
	for name != "" && isDigit(name[len(name)-1]) {
		name = name[:len(name)-1]
	}
	if rest, ok := strings.CutSuffix(name, "pass"); ok {
		return rest == "" || strings.IndexByte("-_.", rest[len(rest)-1]) >= 0
	}
	if rest, ok := strings.CutSuffix(name, "pwd"); ok {
		return rest != "" && strings.IndexByte("-_.", rest[len(rest)-1]) >= 0
	}
	name = strings.TrimSuffix(name, "s")
	if rest, ok := strings.CutSuffix(name, "key"); ok {
		if rest != "" && (rest[len(rest)-1] == '-' || rest[len(rest)-1] == '_') {
			rest = rest[:len(rest)-1]
		}
		return hasSuffix(rest, keyKinds[:])
	}
	return hasSuffix(name, secretWords[:])
}

func hasSuffix(s string, ends []string) bool {
	for _, end := range ends {
		if strings.HasSuffix(s, end) {
			return true
		}
	}
	return false
}

// named looks at the name around a hint and returns where to look on: after the
// value, which may hold further hints.
func (s *scanner) named(hit int) int {
	for len(s.known) > 0 && int(s.known[0].to) <= hit {
		s.known = s.known[1:]
	}
	if len(s.known) > 0 && int(s.known[0].from) <= hit {
		return int(s.known[0].to)
	}
	from, end := hit, s.run(hit, isName)
	for from > 0 && isName(s.text[from-1]) {
		from--
	}
	s.read += hit - from
	name := s.lower[from:end]
	flag := name[0] == '-' && (from == 0 && !s.named0 || from > 0 && isSpace(s.text[from-1]))
	switch {
	case s.is(end, "="): // PGPASSWORD=x, --db-password=x, ?api_key=x
		if isSecretName(name) {
			return s.value(end+1, notSpace)
		}
	case flag && end < len(s.text) && isSpace(s.text[end]) && isSecretName(name[1:]):
		// --token x, -password x. A word that begins with a dash is the next flag.
		if at := s.run(end, isSpace); !s.is(at, "-") {
			return s.value(at, notSpace)
		}
	case isSecretName(name): // "password": "x", X-Api-Key: x
		at := end
		if s.is(at, `"'`) {
			at++
		}
		if at = s.run(at, isSpace); s.is(at, ":") {
			return s.value(s.run(at+1, isSpace), func(c byte) bool { return !isSpace(c) && strings.IndexByte(`"',;}`, c) < 0 })
		}
	}
	return end
}

// value notes the value at a place, quoted or of the class, and returns its end.
func (s *scanner) value(at int, class func(byte) bool) int {
	end := s.quoted(at)
	if end == 0 {
		end = s.run(at, class)
	}
	s.add(at, end)
	return end
}

// variable notes the value of the text, NAME=value, if the name says that it is
// a secret.
func (s *scanner) variable() {
	if i := strings.IndexByte(s.lower, '='); i > 0 && isSecretName(s.lower[:i]) {
		s.add(i+1, len(s.text))
	}
}

// args finds values in an argument list by its items: an item is a secret with
// all its blanks.
func (s *scanner) args(l *line) {
	secret, script := false, false
	for i, it := range l.items {
		item := s.lower[it.from:it.to]
		isScript := script
		script = isScriptFlag(item)
		if secret && !strings.HasPrefix(item, "--") {
			s.add(int(it.from), int(it.to))
			secret = false
			continue
		}
		secret = false
		if !hinted(item) {
			continue
		}
		if n := assigned(item); n > 0 && !isScript {
			s.add(int(it.from)+n, int(it.to))
		}
		secret = (i > 0 || !l.argv) && isSecretFlag(item)
	}
	s.programArgs(l)
}

// isScriptFlag tells that the next argument is a script, as in sh -c: one that
// begins with an assignment is not one secret as a whole.
func isScriptFlag(item string) bool {
	return len(item) >= 2 && len(item) <= 4 && item[0] == '-' && item[1] != '-' && item[len(item)-1] == 'c'
}

func hinted(lower string) bool {
	for _, hint := range nameHints {
		if strings.Contains(lower, hint) {
			return true
		}
	}
	return false
}

// isSecretFlag tells that an argument says that the next one is a secret.
func isSecretFlag(item string) bool {
	return len(item) > 1 && item[0] == '-' && nameEnd(item) == len(item) && isSecretName(item[1:])
}

// assigned returns where the value begins in NAME=value or NAME: value whose
// value is a secret, 0 if it is none.
func assigned(item string) int {
	n := nameEnd(item)
	if n == len(item) || item[n] != '=' && item[n] != ':' || !isSecretName(item[:n]) {
		return 0
	}
	for n++; n < len(item) && isSpace(item[n]); n++ {
	}
	return n
}

func nameEnd(item string) int {
	n := 0
	for n < len(item) && isName(item[n]) {
		n++
	}
	return n
}

// asks tells that a rule's text makes what follows a secret: password=%evt.arg.data.
func asks(text string) bool {
	text = lowerASCII(text)
	bare := strings.TrimRight(text, " \t\r\n\"'")
	name, assigned := strings.CutSuffix(bare, "=")
	if !assigned {
		name, assigned = strings.CutSuffix(bare, ":")
	}
	if assigned {
		name = strings.TrimRight(name, `"' `)
	}
	from := len(name)
	for from > 0 && isName(name[from-1]) {
		from--
	}
	name = name[from:]
	return name != "" && isSecretName(name) && (assigned || name[0] == '-' && len(bare) < len(text))
}
