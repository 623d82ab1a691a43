package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/event"
)

// The large cluster of TestLoad.
const (
	loadNode      = "load-0"
	loadNodes     = 100
	loadHere      = 250  // pods on the node
	loadElsewhere = 5000 // and on the others
	loadSpaces    = 20   // namespaces
	loadWorkloads = 50   // of the node's pods
)

// childEnv makes the test binary the agent's part of TestLoad: a process of its own, so
// that its memory is not the test's.
const childEnv = "GOSHAWK_LOAD_URL"

// TestLoad measures memory and traffic of one client in a large cluster.
func TestLoad(t *testing.T) {
	if url := os.Getenv(childEnv); url != "" {
		loadChild(t, url)
		return
	}
	if !*slow {
		t.Skip("takes more than a minute: -slow")
	}
	s := realServer(t)
	s.fill(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestLoad$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+s.url)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// each runs f for the numbers below n, some side by side.
func each(t testing.TB, n int, f func(int) error) {
	t.Helper()
	numbers, errs := make(chan int), make(chan error, n)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := range numbers {
				if err := f(i); err != nil {
					errs <- err
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	all.Wait()
	select {
	case err := <-errs:
		t.Fatal(err)
	default:
	}
}

// fill makes the cluster.
func (s *server) fill(t testing.TB) {
	begin := time.Now()
	space := func(i int) string { return fmt.Sprintf("load-%d", i%loadSpaces) }
	each(t, loadSpaces, func(i int) error {
		_, err := s.call("POST", "/api/v1/namespaces", obj{"metadata": obj{"name": space(i), "labels": obj{"team": "payments"}}})
		return err
	})
	each(t, loadNodes, func(i int) error { return s.loadNode(i) })
	owners := make([]obj, loadWorkloads)
	for i := range owners {
		owners[i] = ref("ReplicaSet", "apps/v1", s.workload(t, space(i), "ReplicaSet", fmt.Sprintf("web-%d-1", i),
			ref("Deployment", "apps/v1", s.workload(t, space(i), "Deployment", fmt.Sprintf("web-%d", i), nil))))
	}
	each(t, loadHere+loadElsewhere, func(i int) error {
		node, owner := loadNode, owners[i%loadWorkloads]
		if i >= loadHere {
			node = fmt.Sprintf("load-%d", 1+i%(loadNodes-1))
		}
		return s.loadPod(space(i%loadWorkloads), node, i, owner)
	})
	t.Logf("made %d nodes and %d pods in %v", loadNodes, loadHere+loadElsewhere, time.Since(begin).Round(time.Second))
}

// loadNode makes a node of usual size: a kubelet tells of 50 images.
func (s *server) loadNode(i int) error {
	name := fmt.Sprintf("load-%d", i)
	if _, err := s.call("POST", "/api/v1/nodes", obj{"metadata": obj{"name": name}}); err != nil {
		return err
	}
	var images []obj
	for j := range 50 {
		images = append(images, obj{"sizeBytes": 1e8, "names": []string{
			fmt.Sprintf("registry.example.org/team-%d/service@sha256:%s", j, strings.Repeat("ab", 32)), fmt.Sprintf("registry.example.org/team-%d/service:v1.%d.0", j, i)}})
	}
	_, err := s.call("PATCH", "/api/v1/nodes/"+name+"/status", obj{"status": obj{"images": images,
		"addresses": []obj{{"type": "InternalIP", "address": loadAddr(100, i)}, {"type": "Hostname", "address": name}}}})
	return err
}

func loadAddr(net, i int) string { return fmt.Sprintf("10.%d.%d.%d", net, i/250, 1+i%250) }

// loadPod makes a pod of usual size, some 8 KB.
func (s *server) loadPod(ns, node string, i int, owner obj) error {
	name := fmt.Sprintf("web-%d", i)
	var env, volumes, mounts []obj
	for j := range 30 {
		env = append(env, obj{"name": fmt.Sprintf("SETTING_NUMBER_%d", j), "value": "https://service.example.org/some/path"})
	}
	for j := range 6 {
		volumes = append(volumes, obj{"name": fmt.Sprint("volume-", j), "configMap": obj{"name": fmt.Sprint("settings-", j)}})
		mounts = append(mounts, obj{"name": fmt.Sprint("volume-", j), "mountPath": fmt.Sprint("/etc/settings-", j)})
	}
	container := func(name string) obj {
		return obj{"name": name, "image": "registry.example.org/team/" + name + ":v1.2.3", "env": env, "volumeMounts": mounts,
			"livenessProbe": obj{"exec": obj{"command": []string{"sh", "-c", "test -f /run/alive"}}}}
	}
	labels, notes := obj{}, obj{}
	for j := range 8 {
		labels[fmt.Sprintf("app.kubernetes.io/label-%d", j)] = fmt.Sprint("value-", j)
		notes[fmt.Sprintf("example.org/annotation-%d", j)] = strings.Repeat("x", 60)
	}
	path := "/api/v1/namespaces/" + ns + "/pods"
	if _, err := s.call("POST", path, obj{"metadata": obj{"name": name, "labels": labels, "annotations": notes, "ownerReferences": []obj{owner}},
		"spec": obj{"nodeName": node, "containers": []obj{container("app"), container("proxy")}, "volumes": volumes}}); err != nil {
		return err
	}
	status := addresses(loadAddr(101, i))
	for _, c := range []string{"app", "proxy"} {
		list, _ := status["containerStatuses"].([]obj)
		status["containerStatuses"] = append(list, obj{"name": c, "image": "x", "imageID": "registry.example.org/team/" + c + "@sha256:" + strings.Repeat("cd", 32),
			"containerID": "containerd://" + strings.Repeat("ef", 32), "ready": true, "restartCount": 0})
	}
	_, err := s.call("PATCH", path+"/"+name+"/status", obj{"status": status})
	return err
}

// loadChild is the agent's part.
func loadChild(t *testing.T, url string) {
	s := &server{url: url}
	before := rss()
	begin := time.Now()
	f := follow(t, s.config(adminToken), loadNode, 0)
	for len(f.owned()) < loadHere {
		if time.Since(begin) > patience {
			t.Fatalf("%d pods are known", len(f.owned()))
		}
		time.Sleep(5 * time.Millisecond)
	}
	ready := time.Since(begin).Round(10 * time.Millisecond)
	f.mu.Lock()
	f.told = nil
	f.mu.Unlock()
	report := func(what string) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		n, st := uint64(0), f.Stats()
		by := map[string]uint64{}
		for r, v := range st.Requests {
			n += v
			by[r.Verb+" "+r.Resource] += v
		}
		b, _ := json.Marshal(by)
		t.Logf("%s: rss %.1f MB (%.1f before), heap %.1f MB, peak of the heap %.1f MB, %d requests %s, %.2f MB read", what, rss(), before, float64(m.HeapAlloc)/1e6, float64(m.HeapSys-m.HeapReleased)/1e6, n, b, float64(st.Bytes)/1e6)
	}
	report(fmt.Sprintf("all pods are known after %v", ready))
	debug.FreeOSMemory()
	report("memory given back")
	for i, step := range []struct {
		what string
		addr func(int) string
	}{
		{"own pods", func(i int) string { return loadAddr(101, i) }},
		{"others' pods", func(i int) string { return loadAddr(101, loadHere+i) }},
		{"nodes", func(i int) string { return loadAddr(100, i%loadNodes) }},
		{"private, of nobody", func(i int) string { return loadAddr(102, i) }},
		{"public", func(i int) string { return fmt.Sprintf("198.51.100.%d", i) }},
	} {
		kinds, begin := map[event.PeerKind]int{}, time.Now()
		for j := range 100 {
			p, err := f.WhoHas(context.Background(), netip.MustParseAddr(step.addr(j)))
			if err != nil {
				t.Fatalf("step %d: %v", i, err)
			}
			kinds[p.Kind]++
		}
		report(fmt.Sprintf("100 addresses: %s: %v in %v", step.what, slices.Sorted(maps.Keys(kinds)), time.Since(begin).Round(time.Millisecond)))
	}
	debug.FreeOSMemory()
	report("memory given back")
}

// owned returns the pods whose owners are known.
func (f *follower) owned() (list []*tracked) {
	f.Client.mu.Lock()
	defer f.Client.mu.Unlock()
	for _, p := range f.pods {
		if p.owned != nil {
			list = append(list, p)
		}
	}
	return list
}

// rss returns the resident memory of this process in MB.
func rss() float64 {
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kb); n == 1 {
			return kb / 1e3
		}
	}
	return 0
}
