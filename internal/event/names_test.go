package event

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// walked makes components as the kernel side sends them.
func walked(leafFirst string) Components { return Components{Bytes: []byte(leafFirst), Valid: true} }

func given(s string, dir Components) Path {
	return Path{Given: []byte(s), HasGiven: true, Dir: dir}
}

func TestNames(t *testing.T) {
	opened := given("link", walked("tmp/"))
	opened.Resolved = walked("shadow/etc/")
	bound := opened
	bound.Resolved = walked("shadow/n/")
	bound.Origin, bound.OriginSkip = walked("etc/"), len("shadow/")
	whole := opened
	whole.Resolved = walked("shadow/etc/host/")
	whole.Origin, whole.OriginSkip = walked(""), len("shadow/etc/")
	same := given("./shadow", walked("etc/"))
	same.Resolved = walked("shadow/etc/")
	const write = 1

	tests := []struct {
		name  string
		typ   Type
		path  Path
		flags uint64
		ret   int64
		want  []Name
	}{
		{"read", Openat, opened, 0, 3, []Name{{"/etc/shadow", FromKernel, Resolved}}},
		{"write", Openat, opened, write, 3, []Name{{"/etc/shadow", FromKernel, Resolved}, {"/tmp/link", DirAndGiven, GivenForm}}},
		{"write by its own name", Openat, same, write, 3, []Name{{"/etc/shadow", FromKernel, Resolved}}},
		{"bind mount", Openat, bound, 0, 3, []Name{{"/n/shadow", FromKernel, Resolved}, {"/etc/shadow", FromKernel, Origin}}},
		{"mount of a whole file system", Openat, whole, 0, 3, []Name{{"/host/etc/shadow", FromKernel, Resolved}, {"/etc/shadow", FromKernel, Origin}}},
		{"failed", Openat, given("x", walked("tmp/")), 0, -2, []Name{{"/tmp/x", DirAndGiven, GivenForm}}},
		{"dots", Mkdir, given("a/./b/../../../c//d", walked("sub/tmp/")), 0, 0, []Name{{"/tmp/c/d", DirAndGiven, GivenForm}}},
		{"above the root", Mkdir, given("/../../x", walked("")), 0, 0, []Name{{"/x", DirAndGiven, GivenForm}}},
		{"dots in a chroot", Mkdir, given("/../x", walked("jail/srv/")), 0, 0, []Name{{"/srv/jail/x", DirAndGiven, GivenForm}}},
		{"root itself", Mkdir, given("/", walked("")), 0, 0, []Name{{"/", DirAndGiven, GivenForm}}},
		{"no directory", Mkdir, Path{Given: []byte("x"), HasGiven: true}, 0, 0, []Name{{"x", Given, GivenForm}}},
		{"memory gone", Mkdir, Path{GivenUnread: true}, 0, 0, []Name{{"", Unread, GivenForm}}},
		{"too deep", Mkdir, given("x", Components{Bytes: []byte("a/"), Valid: true, Truncated: true}), 0, 0, []Name{{".../a/x", DirAndGiven, GivenForm}}},
		{"no name", Mkdir, Path{}, 0, 0, nil},
		{"directory found elsewhere", Mkdir, Path{Given: []byte("/l/x/"), HasGiven: true, Late: "/etc"}, 0, 0, []Name{{"/l/x", DirAndGiven, GivenForm}, {"/etc/x", Late, Resolved}}},
		{"directory found to be the root", Mkdir, Path{Given: []byte("/l/x"), HasGiven: true, Late: "/"}, 0, 0, []Name{{"/l/x", DirAndGiven, GivenForm}, {"/x", Late, Resolved}}},
		{"link found at the end", Chmod, Path{Given: []byte("l"), HasGiven: true, Dir: walked("tmp/"), Late: "/etc/x", LateWhole: true}, 0, 0, []Name{{"/tmp/l", DirAndGiven, GivenForm}, {"/etc/x", Late, Resolved}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev := Event{Type: tt.typ, Path: tt.path, Result: tt.ret, HasResult: true}
			if tt.typ == Openat {
				ev.Args[2] = tt.flags
			}
			var got []Name
			for i := range ev.Names() {
				ev.SelectName(i)
				got = append(got, ev.Name())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSocketName(t *testing.T) {
	a, b := netip.MustParseAddrPort("10.0.0.1:40000"), netip.MustParseAddrPort("[2001:db8::1]:443")
	tests := []struct {
		socket Socket
		want   string
	}{
		{Socket{Family: FamilyIPv4, Local: a, Remote: b}, "10.0.0.1:40000->2001:db8::1:443"},
		{Socket{Family: FamilyIPv4, Local: b, Remote: a, Server: true}, "10.0.0.1:40000->2001:db8::1:443"},
		{Socket{Family: FamilyIPv4, Local: a, Server: true}, "10.0.0.1:40000"},
		{Socket{Family: FamilyUnix, Path: "@bus"}, "@bus"},
	}
	for _, tt := range tests {
		ev := Event{Type: Connect, Socket: tt.socket}
		if got := ev.Name().Text; got != tt.want {
			t.Errorf("%+v: name %q, want %q", tt.socket, got, tt.want)
		}
	}
}

// TestTypes: every type has a description, and names are found again.
func TestTypes(t *testing.T) {
	for _, typ := range Types() {
		if got, ok := TypeByName(typ.String()); !ok || got != typ {
			t.Errorf("TypeByName(%q) = %v, %v", typ, got, ok)
		}
		if n := len(typ.Info().Args); n > maxArgs {
			t.Errorf("%s has %d arguments", typ, n)
		}
	}
	if _, ok := TypeByName("heartbeat"); ok {
		t.Error("rules can ask for heartbeats")
	}
}

// A caller's name is made once for an event, and anew for the next.
func TestGivenNameIsKept(t *testing.T) {
	e := Event{Type: Rename, Path: given("a", walked("tmp/")), Path2: given("b", walked("srv/"))}
	for range 3 {
		if a, b := e.GivenName().Text, e.Name2().Text; a != "/tmp/a" || b != "/srv/b" {
			t.Errorf("names %q, %q; want /tmp/a, /srv/b", a, b)
		}
	}
	if got := string(e.names.buf); got != "/tmp/a/srv/b" {
		t.Errorf("the buffer holds %q", got)
	}
	e.Reset()
	e.Type, e.Path = Rename, given("c", walked("tmp/"))
	if a, b := e.GivenName().Text, e.Name2().Provenance; a != "/tmp/c" || b != NoName {
		t.Errorf("after Reset: %q, provenance %v", a, b)
	}
}
