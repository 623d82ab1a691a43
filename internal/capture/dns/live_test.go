package dns

import (
	"bytes"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// message makes a DNS message of n bytes: an answer, or a question.
func message(answer bool, n int) []byte {
	b := bytes.Repeat([]byte{'x'}, n)
	copy(b, make([]byte, 12))
	if answer {
		b[2] = 0x80
	}
	return b
}

// TestLive sends datagrams over the loopback device, from port 53 and from another.
func TestLive(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	s, err := Open("/sys/fs/cgroup")
	if errors.Is(err, unix.EPERM) {
		t.Skipf("this machine does not let it be attached: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, family := range []struct{ server, other, client string }{
		{"127.0.0.77:53", "127.0.0.77:5399", "127.0.0.78:0"},
		{"[::1]:53", "[::1]:5399", "[::1]:0"},
	} {
		server, err := net.ListenPacket("udp", family.server)
		if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
			t.Logf("no address %s here", family.server)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		other, err := net.ListenPacket("udp", family.other)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		client, err := net.ListenPacket("udp", family.client)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		send := func(from net.PacketConn, b []byte) {
			if _, err := from.WriteTo(b, client.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		whole := message(true, 100)
		send(server, whole)
		send(server, message(false, 100))
		send(other, message(true, 100))
		send(server, message(true, 11))
		send(server, message(true, 2000))
		var got []Answer
		for range 3 { // one at a time
			n := len(got)
			if err := s.Drain(1, func(a *Answer) {
				kept := *a
				kept.Data = bytes.Clone(a.Data)
				got = append(got, kept)
			}); err != nil || len(got) > n+1 {
				t.Fatal(len(got), err)
			}
		}
		if len(got) != 2 || !bytes.Equal(got[0].Data, whole) || got[0].Cut || len(got[1].Data) != dataSize || !got[1].Cut {
			t.Fatalf("%s: %d answers: %+v", family.server, len(got), got)
		}
		if got[0].Cgroup == 0 || got[0].Time == 0 {
			t.Errorf("%+v", got[0])
		}
		for range 5 { // none is kept back
			if err := client.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := client.ReadFrom(make([]byte, 4096)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, err := s.Lost(); err != nil || n != 0 {
		t.Errorf("lost %d, %v", n, err)
	}
}
