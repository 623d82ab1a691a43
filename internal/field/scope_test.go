package field

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

// others are the accounts of another passwd file.
type others struct{}

func (others) User(uint32) (event.Account, bool) {
	return event.Account{Name: "bob", Home: "/home/bob", Shell: "/bin/zsh"}, true
}

func (others) Group(uint32) (string, bool) { return "staff", true }

func (others) Peer(netip.Addr) *event.Peer {
	return &event.Peer{Kind: event.PeerNode, Name: "other"}
}

func (others) DNSName(*event.Container, netip.Addr) string { return "other.example" }

// unlike makes an event of the process and image of ev of which all else differs.
func unlike(ev *event.Event) *event.Event {
	remote := netip.MustParseAddrPort("9.9.9.9:99")
	named := event.Components{Bytes: []byte("other/"), Valid: true}
	return &event.Event{
		Type: event.Bind, CPU: ev.CPU + 1, Seq: ev.Seq + 1, Time: ev.Time + 1e9, TID: ev.TID + 1, BootOffset: ev.BootOffset + 1e9,
		PID: ev.PID, Start: ev.Start, ExecID: ev.ExecID, Image: ev.Image,
		UID: ev.UID + 1, GID: ev.GID + 1, Cgroup: ev.Cgroup + 1, Flags: ^ev.Flags,
		Result: -13, HasResult: true, Args: [6]uint64{9, 9, 9, 9, 9, 9},
		Path:   event.Path{Resolved: named, HasGiven: true, Given: []byte("x"), Dir: named},
		Path2:  event.Path{Resolved: named, HasGiven: true, Given: []byte("y"), Dir: named},
		File:   event.File{Kind: event.FileFIFO, Dev: 99, Ino: 99, Mode: 0o7777, UID: 99, CTime: 99, MTime: 99, OpenFlags: 99, UpperLayer: true},
		Socket: event.Socket{Family: event.FamilyIPv4, Type: 2, Proto: 17, Local: remote, Remote: remote, Given: true, Server: true},
		Task:   event.Task{PID: 99, TID: 99, ParentPID: 98, Comm: "x"}, Status: 99,
		Process:   &event.Process{PID: 99, ParentPID: 98, Start: 97, Ended: 96, Cgroup: 95, Image: &event.Image{Comm: "x"}},
		Container: &event.Container{FullID: "fedcba9876543210", Runtime: "podman", PodUID: "u-2"},
		Accounts:  others{},
		Num:       ev.Num + 1, First: ev.First + 1, Before: ev.Before + 1, Host: ev.Host + "x", Peers: others{}, Partial: true,
	}
}

// A value that is remembered for an image is the same for all its events: what
// is not must have a narrower scope, or alerts get lost.
func TestScopeIsKept(t *testing.T) {
	first := inContainer()
	second := unlike(first)
	a, b := reflect.ValueOf(*first), reflect.ValueOf(*second)
	same := map[string]bool{"PID": true, "Start": true, "ExecID": true, "Image": true, "names": true, "peer": true}
	for i := range a.NumField() {
		if name := a.Type().Field(i).Name; !same[name] && reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			t.Fatalf("the events do not differ in %s", name)
		}
	}
	args := []Arg{{}, {Given: true, Name: "0"}, {Given: true, Name: "1", Index: 1}, {Given: true, Name: "PATH"}, {Given: true, Name: "2", Index: 2}}
	remembered := 0
	for _, r := range Syscall() {
		if r.Scope != PerImage && r.Scope != PerProcess && r.Scope != PerNode {
			continue
		}
		remembered++
		for _, arg := range args {
			v, w := r.Get(first, arg), r.Get(second, arg)
			if diff := cmp.Diff(v.Any(), w.Any()); diff != "" || v.Presence() != w.Presence() {
				t.Errorf("%s%v differs between events of one image, its scope says it cannot: %s", r.Name, arg, diff)
			}
		}
	}
	if remembered < 40 {
		t.Errorf("%d rows have a scope that outlives the event: this tests the wrong thing", remembered)
	}
}

// A value that the type decides is the same for all events of the type.
func TestOfTypeIsKept(t *testing.T) {
	for _, typ := range event.Types() {
		first := inContainer()
		first.Type = typ
		second, bare := unlike(first), &event.Event{Type: typ}
		second.Type, second.Image = typ, nil
		for _, r := range Syscall() {
			if !r.OfType {
				continue
			}
			for _, ev := range []*event.Event{second, bare} {
				if v, w := r.Get(first, Arg{}).Any(), r.Get(ev, Arg{}).Any(); !cmp.Equal(v, w) {
					t.Errorf("%s of %s is %v and %v", r.Name, typ, v, w)
				}
			}
		}
	}
}

// A row must say its scope.
func TestNewWantsScope(t *testing.T) {
	defer func() {
		if got := recover(); got != "field: a.b has no scope" {
			t.Errorf("New: %v", got)
		}
	}()
	New([]Field{{Name: "a.b"}})
}
