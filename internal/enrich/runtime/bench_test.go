package runtime

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/goshawk-security/goshawk/internal/enrich/runtime/fakecri"
	"github.com/goshawk-security/goshawk/internal/event"
)

// cluster is a runtime with pods of two containers each, with the labels, mounts and
// verbose answers that a kubelet and containerd give them, and their bundles.
func cluster(b *testing.B, root string, pods int) (ids []string) {
	b.Helper()
	verbose, err := os.ReadFile("peer/testdata/containerd-pod-container.json")
	if err != nil {
		b.Fatal(err)
	}
	spec, err := os.ReadFile("oci/testdata/containerd-container.json")
	if err != nil {
		b.Fatal(err)
	}
	s := fakecri.New()
	for p := range pods {
		sandbox := id(1000000 + p)
		labels := map[string]string{"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": fmt.Sprint("web-", p), "pod-template-hash": "6d4cf56db6",
			"io.kubernetes.pod.name": fmt.Sprint("web-6d4cf56db6-", p), "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": uid}
		s.Sandboxes[sandbox] = &cri.PodSandboxStatusResponse{
			Info: map[string]string{"info": `{"cniResult":{"Interfaces":{"eth0":{"IPConfigs":[{"IP":"10.97.0.3","Gateway":"10.97.0.1"}],"Mac":"ae:6c:35:32:f8:cc","Sandbox":"/var/run/netns/cni-bef2862f-358f-b389-c49f-5f980953f89b"},"lo":{"IPConfigs":[{"IP":"127.0.0.1","Gateway":""},{"IP":"::1","Gateway":""}],"Mac":"00:00:00:00:00:00","Sandbox":"/var/run/netns/cni-bef2862f-358f-b389-c49f-5f980953f89b"}},"DNS":[{},{}],"Routes":null}}`},
			Status: &cri.PodSandboxStatus{Id: sandbox, Labels: labels, Metadata: &cri.PodSandboxMetadata{Name: "web", Namespace: "shop", Uid: uid},
				Network: &cri.PodSandboxNetworkStatus{Ip: fmt.Sprint("10.0.0.", p%250)}},
		}
		for n := range 2 {
			c := id(2*p + n)
			st := status(c, "app")
			_, rest, _ := strings.Cut(string(verbose), ",") // after the sandbox's id
			st.Info = map[string]string{"info": `{"sandboxID":"` + sandbox + `",` + rest}
			st.Status.ImageRef = "quay.io/shop/web@sha256:" + strings.Repeat("a", 64)
			st.Status.Image = &cri.ImageSpec{Image: "quay.io/shop/web:1.25"}
			st.Status.Labels = map[string]string{"io.kubernetes.container.name": "app", "io.kubernetes.pod.name": fmt.Sprint("web-6d4cf56db6-", p), "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": uid}
			s.Containers[c] = st
			dir := filepath.Join(root, "run/containerd/io.containerd.runtime.v2.task/k8s.io", c)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "config.json"), spec, 0o600); err != nil {
				b.Fatal(err)
			}
			ids = append(ids, c)
		}
	}
	s.Images["quay.io/shop/web@sha256:"+strings.Repeat("a", 64)] = &cri.Image{Id: "sha256:" + strings.Repeat("b", 64)}
	s.Listen(b, filepath.Join(root, "run/containerd/containerd.sock"))
	return ids
}

// run starts a Client whose answers go to a channel with the time they came.
func run(b *testing.B, root string) (*Client, chan timed) {
	answers := make(chan timed, 4*maxTasks)
	c := New(Config{Root: root, Report: func(a Answer) { answers <- timed{a, time.Now()} }}, zap.NewNop())
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx)
	}()
	b.Cleanup(func() {
		cancel()
		<-done
	})
	return c, answers
}

// BenchmarkAsk asks for one container at a time. It reports medians of the time until
// each source's answer.
func BenchmarkAsk(b *testing.B) {
	root := b.TempDir()
	ids := cluster(b, root, 250)
	c, answers := run(b, root)
	var bundles, runtimes []time.Duration
	n := 0
	for b.Loop() {
		before, left := time.Now(), bothSources
		c.Ask(event.Container{FullID: ids[n%len(ids)], PodUID: uid})
		for left != 0 {
			a := <-answers
			if a.Missed != 0 {
				b.Fatalf("%+v", a.Answer)
			}
			switch left &^= a.Answered; a.Answered {
			case file:
				bundles = append(bundles, a.at.Sub(before))
			case api:
				runtimes = append(runtimes, a.at.Sub(before))
			}
		}
		for c.Stats().Tracked != 0 {
			goruntime.Gosched()
		}
		n++
	}
	slices.Sort(bundles)
	slices.Sort(runtimes)
	b.ReportMetric(float64(bundles[len(bundles)/2]), "bundle-ns")
	b.ReportMetric(float64(runtimes[len(runtimes)/2]), "runtime-ns")
}

// BenchmarkAll asks for all containers of a full node at once, as at the start. It
// reports what is kept of each.
func BenchmarkAll(b *testing.B) {
	root := b.TempDir()
	ids := cluster(b, root, 250)
	c, answers := run(b, root)
	var kept uint64
	for b.Loop() {
		infos := map[string]*event.ContainerInfo{}
		before := heap()
		for _, id := range ids {
			c.Ask(event.Container{FullID: id, PodUID: uid})
		}
		for n := 0; n < 2*len(ids); n++ {
			if a := <-answers; a.Missed != 0 {
				b.Fatalf("%+v", a.Answer)
			} else {
				infos[a.ID] = a.Info
			}
		}
		for c.Stats().Tracked != 0 {
			time.Sleep(time.Millisecond)
		}
		kept = max(heap(), before) - before
		goruntime.KeepAlive(infos)
	}
	b.ReportMetric(float64(kept)/float64(len(ids)), "kept-B/container")
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/node")
}

func heap() uint64 {
	var m goruntime.MemStats
	goruntime.GC()
	goruntime.GC()
	goruntime.ReadMemStats(&m)
	return m.HeapAlloc
}
