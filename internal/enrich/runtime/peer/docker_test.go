package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	web1 = "e4d7b198abfbcfedfe47fa98243ecdb09d1c2431eda93b7794a1600864402166"
	web2 = "74843bc03e683572ae62d87e55782e66218fda44d1491a91ce46a61659b71d88"
)

// dockerd serves Docker's API on a socket.
func dockerd(t *testing.T, h http.Handler) *Docker {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	d := NewDocker(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	})
	t.Cleanup(d.Close)
	return d
}

// TestDocker has what Docker 20.10 of Debian 12 says of a container, and of one that
// it was not allowed to start.
func TestDocker(t *testing.T) {
	mux := http.NewServeMux()
	for id, name := range map[string]string{web1: "docker-web1", web2: "docker-web2"} {
		data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		mux.HandleFunc("GET /containers/"+id+"/json", func(w http.ResponseWriter, _ *http.Request) { w.Write(data) })
	}
	images := 0
	mux.HandleFunc("GET /images/{id}/json", func(w http.ResponseWriter, _ *http.Request) {
		images++
		fmt.Fprintf(w, `{"RepoDigests":["localhost/bb@%s"]}`, digest)
	})
	d := dockerd(t, mux)
	const id = "4d45fe8e8a23d6dbb1964ad3e5bd5525a857f69deb8470b853ace5879a5bf779"
	want := event.ContainerInfo{
		Name: "web1", Image: "localhost/bb:1", ImageID: id, ImageDigest: digest,
		Labels:  map[string]string{"from": "image", "team": "shop"},
		Mounts:  []event.Mount{{Source: "/tmp", Destination: "/host/tmp", Mode: "ro", Propagation: "rslave"}},
		User:    "1000:1000",
		Created: 1795711694309766176, Started: 1795711695074469262,
	}
	got, err := d.Ask(t.Context(), Question{ID: web1})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Info); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, err = d.Ask(t.Context(), Question{ID: web2}); err != nil {
		t.Fatal(err)
	}
	if i := got.Info; !i.Privileged || !i.HostPID || !i.HostNetwork || !i.HostIPC || i.Started != 0 || !got.Pending || images != 1 {
		t.Errorf("%+v, pending %v, images asked %d times", i, got.Pending, images)
	}
}

// TestDockerPod has a container as cri-dockerd makes them.
func TestDockerPod(t *testing.T) {
	mux := http.NewServeMux()
	labels := `"io.kubernetes.pod.name":"web","io.kubernetes.pod.namespace":"shop","io.kubernetes.pod.uid":"` + uid + `",`
	mux.HandleFunc("GET /containers/"+idA+"/json", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Id":"%s","Name":"/k8s_app_web_shop_x_0","Config":{"Labels":{%s"io.kubernetes.container.name":"app","io.kubernetes.sandbox.id":"%s","io.kubernetes.docker.type":"container"}}}`, idA, labels, idB)
	})
	mux.HandleFunc("GET /containers/"+idB+"/json", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Id":"%s","Name":"/k8s_POD_web_shop_x_0","Config":{"Labels":{%s"tier":"front","io.kubernetes.docker.type":"podsandbox"}},"NetworkSettings":{"Networks":{"b":{"IPAddress":"10.0.0.2"},"a":{"IPAddress":"10.0.0.1","GlobalIPv6Address":"fd00::1"}}}}`, idB, labels)
	})
	d := dockerd(t, mux)
	for id, want := range map[string]event.ContainerInfo{
		idA: {Name: "app", SandboxID: idB},
		idB: {Sandbox: true, SandboxID: idB, PodLabels: map[string]string{"tier": "front"}, PodIPs: []string{"10.0.0.1", "fd00::1", "10.0.0.2"}},
	} {
		want.PodName, want.PodNamespace, want.PodUID = "web", "shop", uid
		got, err := d.Ask(t.Context(), Question{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		got.Info.Labels = nil
		if diff := cmp.Diff(want, got.Info); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestDockerErrors(t *testing.T) {
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   error // nil: another one
	}{
		{"unknown", http.NotFound, ErrUnknown},
		{"another", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"Id":"%s"}`, idB) }, ErrWrong},
		{"hung", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, ErrSilent},
		{"hung half way", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"Id":`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, ErrSilent},
		{"crash", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ErrGone},
		{"broken", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"Id":`) }, nil},
		{"refused", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, nil},
		{"huge", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(" ", 5<<20)) }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := dockerd(t, tt.answer)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if tt.want == ErrSilent {
				ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
			}
			defer cancel()
			got, err := d.Ask(ctx, Question{ID: idA})
			if err == nil {
				t.Fatalf("Ask = %+v", got)
			}
			for _, e := range []error{ErrUnknown, ErrSilent, ErrGone, ErrOther, ErrWrong} {
				if errors.Is(err, e) != (e == tt.want) {
					t.Errorf("%v is %v", err, e)
				}
			}
		})
	}
	d := NewDocker(func(context.Context) (net.Conn, error) { return nil, os.ErrNotExist })
	if _, err := d.Hello(t.Context()); !errors.Is(err, ErrGone) {
		t.Errorf("without a socket: %v", err)
	}
}
