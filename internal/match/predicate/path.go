package predicate

import (
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// links are the usual links of a Linux system and where they lead. A rule's
// literal is written against one layout, names come in another: on a system with
// merged /usr nothing that the kernel resolved is called /bin/sh, and a call on a
// path (unlink, rename) has the caller's string, /bin/sh or /usr/bin/sh.
// /proc/self and /dev/fd lead somewhere else for each process and are not here.
var links = [...]struct{ link, target string }{
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
// links and those by way of them. There are none for most.
func Aliases(path string) []string {
	names := []string{path}           // and its aliases
	for i := 0; i < len(names); i++ { // a name by way of one link can have another: /var/lock
		for _, l := range links {
			for _, way := range [...][2]string{{l.link, l.target}, {l.target, l.link}} {
				if name, ok := replaceTop(names[i], way[0], way[1]); ok && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	if len(names) == 1 {
		return nil
	}
	return names[1:]
}

// targets returns the names of a path literal behind the usual links alone.
func targets(path string) []string {
	var list []string
	for _, l := range links {
		if name, ok := replaceTop(path, l.link, l.target); ok {
			list = append(list, name)
		}
	}
	return list
}

// replaceTop puts a path that is top or lies below it below another directory.
func replaceTop(path, top, other string) (string, bool) {
	rest, ok := strings.CutPrefix(path, top)
	return other + rest, ok && (rest == "" || rest[0] == '/')
}

// spellings returns a path literal and the aliases that it has for an operator.
// What is looked for inside or at the end of a path gets no name by way of a link:
// /usr/bin/ would become /bin/, which is part of /opt/bin/x as well.
func spellings(op rule.Op, path string) []string {
	switch op {
	case rule.OpContains, rule.OpIContains, rule.OpEndsWith:
		return append(targets(path), path)
	}
	return append(Aliases(path), path)
}
