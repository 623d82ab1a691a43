package dnsnames

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const second = uint64(time.Second)

// message makes an answer to a question for addresses of name, by way of an alias.
func message(tb testing.TB, name string, ttl uint32, addrs ...string) []byte {
	tb.Helper()
	n := dnsmessage.MustNewName(name + ".")
	alias := dnsmessage.MustNewName("edge.example.net.")
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true})
	check := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	check(b.StartQuestions())
	check(b.Question(dnsmessage.Question{Name: n, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}))
	check(b.StartAnswers())
	check(b.CNAMEResource(dnsmessage.ResourceHeader{Name: n, Class: dnsmessage.ClassINET, TTL: ttl}, dnsmessage.CNAMEResource{CNAME: alias}))
	for _, a := range addrs {
		h, addr := dnsmessage.ResourceHeader{Name: alias, Class: dnsmessage.ClassINET, TTL: ttl}, netip.MustParseAddr(a)
		if addr.Is4() {
			check(b.AResource(h, dnsmessage.AResource{A: addr.As4()}))
		} else {
			check(b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: addr.As16()}))
		}
	}
	out, err := b.Finish()
	check(err)
	return out
}

func TestTable(t *testing.T) {
	tab := New()
	tab.Seen("a", message(t, "WWW.Example.org", 7200, "192.0.2.1", "2001:db8::1"), second)
	tests := []struct {
		container, addr string
		now             uint64
		want            string
	}{
		{"a", "192.0.2.1", 2 * second, "www.example.org"},
		{"a", "2001:db8::1", 7200 * second, "www.example.org"},
		{"a", "192.0.2.1", 7201 * second, ""},
		{"a", "192.0.2.2", 2 * second, ""},
		{"b", "192.0.2.1", 2 * second, ""},
		{"", "192.0.2.1", 2 * second, ""},
	}
	for _, tt := range tests {
		if got := tab.Name(tt.container, netip.MustParseAddr(tt.addr), tt.now); got != tt.want {
			t.Errorf("%s of %q at %d s = %q, want %q", tt.addr, tt.container, tt.now/second, got, tt.want)
		}
	}
	tab.Seen("a", message(t, "other.example.org", 1, "192.0.2.1"), 3*second)
	if got := tab.Name("a", netip.MustParseAddr("192.0.2.1"), 3*second+uint64(leastAge)-1); got != "other.example.org" {
		t.Errorf("asked for last: %q", got)
	}
	if n := testing.AllocsPerRun(100, func() { tab.Name("a", netip.MustParseAddr("192.0.2.1"), 4*second) }); n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
	tab.Forget("a")
	if s := tab.Stats(); s.Containers != 0 || s.Seen != 2 {
		t.Errorf("stats %+v", s)
	}
}

func TestUnreadable(t *testing.T) {
	good := message(t, "example.org", 60, "192.0.2.1", "192.0.2.2")
	question := append([]byte{}, good...)
	question[2] &^= 0x80
	refused := append([]byte{}, good...)
	refused[3] = 3
	tab := New()
	for _, m := range [][]byte{nil, {1, 2, 3}, question, refused, good[:40], message(t, "example.org", 60)} {
		tab.Seen("a", m, second)
	}
	if s := tab.Stats(); s.Unreadable != 6 || s.Names != 0 {
		t.Errorf("stats %+v", s)
	}
	tab.Seen("a", good[:len(good)-3], second) // cut within the second address
	if tab.Stats().Names != 1 {
		t.Errorf("of a message that was cut: %+v", tab.Stats())
	}
}

func TestBounds(t *testing.T) {
	tab := New()
	for i := range 3 * maxNames {
		tab.Seen("a", message(t, fmt.Sprintf("n%d.example", i), uint32(600+i), fmt.Sprintf("10.0.%d.%d", i/256, i%256)), second)
	}
	s := tab.Stats()
	if s.Names > maxNames || s.Names < maxNames/4 || s.Evicted == 0 {
		t.Errorf("stats %+v", s)
	}
	if got := tab.Name("a", netip.MustParseAddr("10.0.11.255"), second); got != "n3071.example" {
		t.Errorf("the newest is %q", got)
	}
	m := message(t, "example.org", 60, "192.0.2.1")
	for i := range maxContainers + 10 {
		tab.Seen(fmt.Sprint(i), m, second*uint64(i+2))
	}
	if s := tab.Stats(); s.Containers != maxContainers {
		t.Errorf("stats %+v", s)
	}
}

func FuzzSeen(f *testing.F) {
	f.Add(message(f, "example.org", 60, "192.0.2.1", "2001:db8::1"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, m []byte) {
		tab := New()
		tab.Seen("a", m, second)
		if s := tab.Stats(); s.Seen+s.Unreadable != 1 || s.Names > maxAddresses {
			t.Errorf("stats %+v", s)
		}
	})
}

func BenchmarkSeen(b *testing.B) {
	m, tab := message(b, "example.org", 60, "192.0.2.1", "192.0.2.2"), New()
	for b.Loop() {
		tab.Seen("a", m, second)
	}
}

// Containers that look up much do not take the memory of the machine, or the names of
// those that look up little.
func TestManyBusyContainers(t *testing.T) {
	tab := New()
	tab.Seen("quiet", message(t, "example.org", 60, "192.0.2.1"), second)
	var addrs []string
	for i := range maxAddresses {
		addrs = append(addrs, fmt.Sprintf("10.1.%d.%d", i/256, i%256))
	}
	for n := range maxNames / maxAddresses {
		for i := range addrs {
			addrs[i] = fmt.Sprintf("10.1.%d.%d", n, i)
		}
		m := message(t, "example.org", 60, addrs...)
		for c := range 2 * maxAll / maxNames {
			tab.Seen(fmt.Sprint(c), m, second)
		}
	}
	sum := 0
	for _, n := range tab.containers {
		sum += len(n.byAddr)
	}
	if s := tab.Stats(); s.Names != sum || s.Names > maxAll || s.Names < maxAll/2 || s.Evicted == 0 {
		t.Errorf("%d names, stats %+v", sum, s)
	}
	if tab.Name("quiet", netip.MustParseAddr("192.0.2.1"), 2*second) == "" {
		t.Error("the quiet one lost its name")
	}
	for c := range tab.containers {
		tab.Forget(c)
	}
	if s := tab.Stats(); s.Names != 0 || s.Containers != 0 {
		t.Errorf("stats %+v", s)
	}
}
