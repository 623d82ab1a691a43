package text

import "strings"

// Beneath makes the test of pmatch: true of paths that are one of the listed ones
// or lie below it. Paths are compared component by component, as Falco does: empty
// components, and so a slash at the beginning, do not count. Components of a listed
// path may be glob patterns.
func Beneath(paths []string) Test {
	tests := make([]Test, len(paths))
	for i, p := range paths {
		tests[i] = beneath(p)
	}
	return Any(tests)
}

// beneath is the test of one path. What stands before its first pattern is needed.
func beneath(path string) Test {
	var b strings.Builder
	for part, rest := component(path); part != ""; part, rest = component(rest) {
		if strings.ContainsAny(part, "*?[") {
			t := Test{Open: b.Len() == 0, Holds: func(s string) bool { return isBeneath(path, s, true) }}
			if !t.Open {
				t.Needs = []Pattern{{Kind: Under, Text: b.String()}}
			}
			return t
		}
		b.WriteString("/" + part)
	}
	if b.Len() == 0 {
		return of([]Pattern{{Kind: Prefix}}) // everything is below the root
	}
	return of([]Pattern{{Kind: Under, Text: b.String()}})
}

// component returns the first component of a path, "" if there is none, and what
// follows it.
func component(path string) (part, rest string) {
	for path != "" && path[0] == '/' {
		path = path[1:]
	}
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}

// isBeneath tells that the first components of s are those of path, or, with
// patterns, match them.
func isBeneath(path, s string, patterns bool) bool {
	for {
		want, morePath := component(path)
		if want == "" {
			return true
		}
		have, more := component(s)
		if have == "" || have != want && !(patterns && strings.ContainsAny(want, "*?[") && MatchGlob(want, have, false)) {
			return false
		}
		path, s = morePath, more
	}
}

// isPlain tells that a path begins with a slash and has no empty component but
// perhaps the last: then it lies under another if it begins with it.
func isPlain(s string) bool { return s != "" && s[0] == '/' && !strings.Contains(s, "//") }

// appendPlain makes a path plain.
func appendPlain(b []byte, s string) []byte {
	for part, rest := component(s); part != ""; part, rest = component(rest) {
		b = append(b, '/')
		b = append(b, part...)
	}
	return b
}
