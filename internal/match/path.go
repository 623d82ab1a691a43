package match

import "strings"

// aliases are the usual links of a Linux system and where they lead. A rule's
// literal is written against one layout, the kernel resolves names on another:
// on a system with merged /usr nothing is ever called /bin/sh. /proc/self and
// /dev/fd lead somewhere else for each process and are not here.
var aliases = [...]struct{ link, target string }{
	{"/bin", "/usr/bin"},
	{"/sbin", "/usr/sbin"},
	{"/lib", "/usr/lib"},
	{"/lib32", "/usr/lib32"},
	{"/lib64", "/usr/lib64"},
	{"/libx32", "/usr/libx32"},
	{"/var/run", "/run"},
	{"/var/lock", "/run/lock"},
}

// Aliases returns the other names of a path literal: those behind the usual
// links. There are none for most.
func Aliases(path string) []string {
	var list []string
	for _, a := range aliases {
		rest, ok := strings.CutPrefix(path, a.link)
		if ok && (rest == "" || rest[0] == '/') {
			list = append(list, a.target+rest)
		}
	}
	return list
}

// pathMatch makes the test of pmatch: a listed path is the value or a directory
// above it. Components of a listed path may be glob patterns.
func pathMatch(paths []string) func(string) bool {
	var list []string
	var patterns [][]string
	for _, p := range paths {
		if strings.ContainsAny(p, `*?[\`) {
			patterns = append(patterns, strings.Split(strings.Trim(p, "/"), "/"))
		} else {
			list = append(list, cleanEnd(p))
		}
	}
	plain := newWordSet(list)
	return func(s string) bool {
		if s = cleanEnd(s); s == "" {
			return false
		}
		if len(list) > 0 && plain.hasAncestor(s) {
			return true
		}
		for _, p := range patterns {
			if matchComponents(p, s) {
				return true
			}
		}
		return false
	}
}

// cleanEnd cuts slashes from the end, but not from the root.
func cleanEnd(s string) string {
	for len(s) > 1 && s[len(s)-1] == '/' {
		s = s[:len(s)-1]
	}
	return s
}

// hasAncestor tells that s or a directory above it is in the set.
func (set *wordSet) hasAncestor(s string) bool {
	for i := 1; i < len(s); i++ {
		if s[i] == '/' && set.has(s[:i]) {
			return true
		}
	}
	return set.has(s) || s[0] == '/' && set.has("/")
}

// matchComponents tells that the first components of s match the patterns, one
// each.
func matchComponents(patterns []string, s string) bool {
	s = strings.TrimPrefix(s, "/")
	for i, p := range patterns {
		part, rest, more := strings.Cut(s, "/")
		if !glob(p, part) {
			return false
		}
		if s = rest; !more {
			return i == len(patterns)-1
		}
	}
	return true
}
