package users

import (
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/enrich/aside"
)

// TestHung has containers whose files never answer: the host and another
// container keep their names.
func TestHung(t *testing.T) {
	proc := host(t, map[int]map[string]string{
		1: {"passwd": "root:x:0:0::/root:/bin/sh\n"},
		2: {"passwd": "app:x:0:0::/:/\n"},
	})
	c := newCache(proc, 100)
	c.alone.Wait, c.runner.Wait = 10*time.Second, time.Millisecond
	release := make(chan struct{})
	defer close(release)
	for range 10 {
		aside.Do(&c.runner, func() bool { <-release; return true })
	}
	c.runner.Wait = 10 * time.Second
	if a, ok := c.Host(second).User(0); !ok || a.Name != "root" {
		t.Errorf("host: %+v, %v", a, ok)
	}
	if a, ok := c.Namespace(7, 2, second).User(0); !ok || a.Name != "app" {
		t.Errorf("container: %+v, %v", a, ok)
	}
	for c.runner.Wait = time.Millisecond; !c.runner.Full(); {
		aside.Do(&c.runner, func() bool { <-release; return true })
	}
	if a, ok := c.Host(3 * second).User(0); !ok || a.Name != "root" {
		t.Errorf("host while no container is read: %+v, %v", a, ok)
	}
	if c.host.next != 4*second {
		t.Error("the host was not looked at again")
	}
}

// TestManyHung has ever new mount namespaces whose files hang: together they take less of
// the agent's time than each could.
func TestManyHung(t *testing.T) {
	c := newCache(t.TempDir(), 1000)
	c.runner.Wait = 30 * time.Millisecond
	release := make(chan struct{})
	defer close(release)
	patient := 0
	for range 50 {
		r := c.reader(second)
		if r == &c.runner {
			patient++
		}
		if _, ok := c.do(r, func() result { <-release; return result{} }); ok {
			t.Fatal("it did not hang")
		}
	}
	if patient == 0 || patient > 4 {
		t.Errorf("patient %d times", patient)
	}
	if c.reader(2*second-1) != &c.hasty {
		t.Error("patient again within the second")
	}
	if c.reader(2*second) != &c.runner {
		t.Error("no patience in the next second")
	}
}
