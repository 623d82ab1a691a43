// Package predicate evaluates one comparison of a condition for one event.
//
// A comparison with an absent or unreadable value is false, one with a pending value
// is pending; exists is true of an unreadable value. A field with several values, as
// proc.aname or fd.ip, makes a comparison true by any of them, but for != of a field
// with two sides, for which all that are there must differ.
//
// # Links
//
// A literal compared with a path stands for the path's other names by way of the
// usual links as well, in both directions: /bin/ls for /usr/bin/ls, which the kernel
// resolves it to, and /usr/bin/ls for /bin/ls, which a caller of unlink may have
// given. See [Aliases]. With contains, icontains and endswith only the first
// direction counts, since what is shorter is part of too much: /bin/ is in /opt/bin/ls.
// A literal that lies above a link, such as /usr/, has no alias.
package predicate
