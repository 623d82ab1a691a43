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
func message(id byte, answer bool, n int) []byte {
	b := bytes.Repeat([]byte{'x'}, n)
	copy(b, make([]byte, 12))
	b[1] = id
	if answer {
		b[2] = 0x80
	}
	return b
}

func listen(t *testing.T, addr string) net.PacketConn {
	t.Helper()
	c, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t *testing.T, from, to net.PacketConn, b []byte) {
	t.Helper()
	if _, err := from.WriteTo(b, to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
}

// TestLive sends datagrams over the loopback device: a client asks, and servers answer,
// also those that were not asked.
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
	for _, family := range []struct{ server, another, port, client string }{
		{"127.0.0.77:53", "127.0.0.79:53", "127.0.0.77:5399", "127.0.0.78:0"},
		{"[::1]:53", "", "[::1]:5399", "[::1]:0"},
	} {
		probe, err := net.ListenPacket("udp", family.client)
		if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
			t.Logf("no address %s here", family.client)
			continue
		}
		if err == nil {
			err = probe.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		server, port := listen(t, family.server), listen(t, family.port)
		client, bystander := listen(t, family.client), listen(t, family.client)
		first, second := message(1, true, 100), message(2, true, 2000)
		for id := range byte(4) {
			send(t, client, server, message(id, false, 100))
		}
		received := 0
		answer := func(from, to net.PacketConn, b []byte) {
			send(t, from, to, b)
			if to == client {
				received++
			}
		}
		answer(server, client, first)
		answer(server, client, first)                    // a second time
		answer(server, client, message(3, false, 100))   // no answer
		answer(server, client, message(3, true, 11))     // too short
		answer(server, client, message(77, true, 100))   // to nothing that was asked
		answer(port, client, message(3, true, 100))      // by another program
		answer(server, bystander, message(3, true, 100)) // to somebody else
		if family.another != "" {
			answer(listen(t, family.another), client, message(3, true, 100)) // by another server
		}
		answer(server, client, second)

		var got []Answer
		for range 10 { // one at a time
			n := len(got)
			if err := s.Drain(1, func(a *Answer) {
				kept := *a
				kept.Data = bytes.Clone(a.Data)
				got = append(got, kept)
			}); err != nil || len(got) > n+1 {
				t.Fatal(len(got), err)
			}
		}
		if len(got) != 2 || !bytes.Equal(got[0].Data, first) || got[0].Cut || !bytes.Equal(got[1].Data, second[:dataSize]) || !got[1].Cut {
			t.Fatalf("%s: %d answers: %+v", family.server, len(got), got)
		}
		if got[0].Cgroup == 0 || got[0].Time == 0 {
			t.Errorf("%+v", got[0])
		}
		for range received { // none is kept back
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
