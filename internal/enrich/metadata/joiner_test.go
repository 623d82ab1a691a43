package metadata

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

// clock is a time that the test moves.
type clock struct{ now uint64 }

// asked is a runtime that answers when the test says so.
type asked struct{ asked, forgotten []string }

func (a *asked) Ask(c event.Container) { a.asked = append(a.asked, c.FullID) }
func (a *asked) Forget(id string)      { a.forgotten = append(a.forgotten, id) }

const wait = 5 * time.Second

func newJoiner(pods bool) (*Joiner, *asked, *clock) {
	c, r := &clock{now: 1}, &asked{}
	return New(Config{Runtime: r, Pods: pods, Wait: wait, Now: func() uint64 { return c.now }}), r, c
}

func info(name string) *event.ContainerInfo { return &event.ContainerInfo{Name: name} }

func TestSources(t *testing.T) {
	j, r, _ := newJoiner(true)
	c := &event.Container{FullID: "a", PodUID: "u"}
	j.Began(c)
	if c.Waiting != event.AllSources || len(r.asked) != 1 {
		t.Fatalf("waits for %v, asked %v", c.Waiting, r.asked)
	}
	if j.Advance() {
		t.Error("changed without news")
	}
	steps := []struct {
		name string
		post func()
		want event.Sources
	}{
		{"bundle", func() { j.Answer(Answer{ID: "a", Info: info("x"), Answered: event.SourceBundle}) },
			event.SourceRuntime | event.SourcePod | event.SourceOwners},
		{"pod", func() {
			j.Report(PodReport{UIDs: []string{"u"}, Pod: &event.Pod{Name: "p"}, Answered: event.SourcePod})
		}, event.SourceRuntime | event.SourceOwners},
		{"nothing new", func() { j.Answer(Answer{ID: "a", Answered: event.SourceRuntime}) }, event.SourceOwners},
		{"owners", func() {
			j.Report(PodReport{UIDs: []string{"u"}, Pod: &event.Pod{Name: "p", Owners: []event.Object{{Name: "o"}}}, Answered: event.SourcePod | event.SourceOwners})
		}, 0},
	}
	for _, s := range steps {
		s.post()
		if !j.Advance() || c.Waiting != s.want {
			t.Errorf("%s: waits for %v, want %v", s.name, c.Waiting, s.want)
		}
	}
	if c.Info.Name != "x" || c.Pod.Workload().Name != "o" || c.Missed != 0 {
		t.Errorf("container %+v", c)
	}
	second := &event.Container{FullID: "b", PodUID: "u"}
	j.Began(second)
	if second.Pod != c.Pod || second.Waiting != event.SourceBundle|event.SourceRuntime {
		t.Errorf("of a known pod: %+v", second)
	}
	if diff := cmp.Diff(Stats{Containers: 2, Waiting: 1, Pods: 1, Settled: 1}, j.Stats()); diff != "" {
		t.Error(diff)
	}
}

// What comes too late is missed, and counts for later events.
func TestDeadline(t *testing.T) {
	j, _, now := newJoiner(true)
	c := &event.Container{FullID: "a", PodUID: "u"}
	j.Began(c)
	j.Answer(Answer{ID: "a", Info: info("x"), Answered: event.SourceBundle | event.SourceRuntime, Missed: event.SourceRuntime})
	j.Advance()
	now.now += uint64(wait) - 1
	if j.Advance(); c.Waiting == 0 {
		t.Fatal("gave up before the time")
	}
	now.now++
	if !j.Advance() || c.Waiting != 0 || c.Missed != event.SourceRuntime|event.SourcePod|event.SourceOwners {
		t.Fatalf("waits for %v, missed %v", c.Waiting, c.Missed)
	}
	j.Report(PodReport{UIDs: []string{"other", "u"}, Pod: &event.Pod{Name: "p"}, Answered: event.SourcePod | event.SourceOwners})
	if !j.Advance() || c.Pod == nil || c.Missed != event.SourceRuntime {
		t.Errorf("late answer: %+v", c)
	}
	if s := j.Stats(); s.Partial != 1 || s.Settled != 0 || s.Pods != 2 {
		t.Errorf("stats %+v", s)
	}
}

// A container that lives for less than an answer takes gets it all the same.
func TestShortLived(t *testing.T) {
	j, r, now := newJoiner(true)
	c := &event.Container{FullID: "a", PodUID: "u"}
	j.Began(c)
	j.Ended(c)
	if len(r.forgotten) != 0 {
		t.Fatal("forgotten while it waits")
	}
	j.Answer(Answer{ID: "a", Info: info("x"), Answered: event.SourceBundle | event.SourceRuntime})
	j.Report(PodReport{UIDs: []string{"u"}, Pod: &event.Pod{Name: "p"}, Answered: event.SourcePod | event.SourceOwners})
	j.Advance()
	if c.Info == nil || c.Pod == nil || c.Waiting != 0 {
		t.Errorf("container %+v", c)
	}
	j.Report(PodReport{UIDs: []string{"u"}, Gone: true})
	now.now += uint64(wait)
	j.Advance()
	if s := j.Stats(); s.Containers != 0 || s.Pods != 0 || len(r.forgotten) != 1 {
		t.Errorf("stats %+v, forgotten %v", s, r.forgotten)
	}
}

func TestEnded(t *testing.T) {
	j, r, now := newJoiner(false)
	c := &event.Container{FullID: "a", PodUID: "u"}
	j.Began(c)
	if c.Waiting != event.SourceBundle|event.SourceRuntime {
		t.Errorf("without the API server it waits for %v", c.Waiting)
	}
	j.Ended(&event.Container{FullID: "a"}) // another with this id
	j.Ended(c)
	now.now += uint64(wait)
	j.Advance()
	if s := j.Stats(); s.Containers != 0 || len(r.forgotten) != 1 {
		t.Errorf("stats %+v, forgotten %v", s, r.forgotten)
	}
	j.Answer(Answer{ID: "a", Info: info("late")})
	j.Advance()
	if c.Info != nil {
		t.Error("an answer for a container that is gone")
	}
}

// The same id again takes over what is known.
func TestAgain(t *testing.T) {
	j, r, _ := newJoiner(true)
	first := &event.Container{FullID: "a", PodUID: "u"}
	j.Began(first)
	j.Answer(Answer{ID: "a", Info: info("x"), Answered: event.SourceBundle | event.SourceRuntime})
	j.Advance()
	again := &event.Container{FullID: "a", PodUID: "u", Runtime: "containerd"}
	j.Began(again)
	if again.Info == nil || len(r.asked) != 1 {
		t.Errorf("again: %+v, asked %v", again, r.asked)
	}
	j.Report(PodReport{UIDs: []string{"u"}, Pod: &event.Pod{}, Answered: event.SourcePod | event.SourceOwners})
	j.Advance()
	if again.Waiting != 0 || j.Stats().Containers != 1 {
		t.Errorf("again: %+v", again)
	}
}

func TestOff(t *testing.T) {
	j := New(Config{Now: func() uint64 { return 1 }})
	c := &event.Container{FullID: "a", PodUID: "u"}
	j.Began(c)
	if c.Waiting != 0 || j.Advance() {
		t.Errorf("without any source it waits for %v", c.Waiting)
	}
}

// The cgroup says which pod it is, and no label of an image.
func TestForeignPod(t *testing.T) {
	says := func(uid, runtime string) *event.ContainerInfo {
		return &event.ContainerInfo{Name: "x", Runtime: runtime, PodName: "dns", PodNamespace: "kube-system", PodUID: uid,
			PodLabels: map[string]string{"app": "dns"}, SandboxID: "s"}
	}
	for _, tt := range []struct {
		name      string
		container event.Container
		info      *event.ContainerInfo
		pod       string
	}{
		{"the same", event.Container{FullID: "a", PodUID: "u"}, says("u", "containerd"), "dns"},
		{"another", event.Container{FullID: "a", PodUID: "u"}, says("v", "containerd"), ""},
		{"a path that was cut", event.Container{FullID: "a"}, says("u", "containerd"), "dns"},
		{"an image's labels", event.Container{FullID: "a", Runtime: "docker"}, says("u", "docker"), ""},
		{"an image's labels, and a path that does not name the runtime", event.Container{FullID: "a"}, says("u", "docker"), ""},
		{"a pod of Docker's", event.Container{FullID: "a", PodUID: "u", Runtime: "docker"}, says("u", "docker"), "dns"},
		{"an older runtime", event.Container{FullID: "a", PodUID: "u"}, says("", "containerd"), "dns"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j, _, _ := newJoiner(false)
			c := tt.container
			j.Began(&c)
			j.Answer(Answer{ID: "a", Info: tt.info, Answered: event.SourceBundle})
			j.Advance()
			if c.Info.PodName != tt.pod || c.Info.Name != "x" || (c.Info.PodNamespace == "") != (tt.pod == "") || (c.Info.PodLabels == nil) != (tt.pod == "") {
				t.Errorf("%+v", c.Info)
			}
		})
	}
}
