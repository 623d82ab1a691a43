package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/agent/doctor"
	"github.com/goshawk-security/goshawk/internal/ship"
)

// serve answers for health and metrics until the returned function is called.
func (a *Agent) serve() (stop func(), err error) {
	listener, err := net.Listen("tcp", a.cfg.HTTP.Address)
	if err != nil {
		return nil, explainListen(a.cfg.HTTP.Address, err)
	}
	server := &http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          zap.NewStdLog(a.log.Named("http")),
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("serve health and metrics", zap.Error(err))
		}
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close() // a client that hangs does not hold up the end
		}
	}, nil
}

// explainListen says what to do about an address that cannot be used.
func explainListen(address string, err error) error {
	next := "set http.address (--http on the command line) to an address of this machine"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		next = "another goshawk may be running here; stop it, or set http.address (--http on the command line) to a free port: two agents work side by side"
	case errors.Is(err, syscall.EACCES):
		next = "set http.address (--http on the command line) to a port above 1023"
	}
	cause := err
	var op *net.OpError
	if errors.As(err, &op) {
		cause = op.Err
	}
	var sys syscall.Errno
	if errors.As(err, &sys) {
		cause = sys
	}
	return fmt.Errorf("listen on %s: %w: %s", address, cause, next)
}

// handler routes the three pages.
func (a *Agent) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, "alive", a.health.alive(), nil, nil)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, "ready", a.health.ready(), slices.Concat(a.oldRules(), a.degraded, a.sources.missing(a.metrics.pods()), a.sets.missing()), a.out.Status())
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{Registry: a.metrics.registry}))
	return mux
}

// answer writes a state as text: 200 when it holds, 503 with the reason when it
// does not. What is degraded and the destinations are told of and decide nothing:
// an agent that knows less, or whose SIEM is away, still sees, and restarting it
// would lose what waits.
func answer(w http.ResponseWriter, state string, err error, degraded []doctor.Check, destinations []ship.Status) {
	var b strings.Builder
	code := http.StatusOK
	if err != nil {
		code = http.StatusServiceUnavailable
		fmt.Fprintf(&b, "not %s: %v\n", state, err)
	} else {
		fmt.Fprintf(&b, "%s\n", state)
	}
	for _, c := range degraded {
		fmt.Fprintf(&b, "degraded %s: %s\n", c.Name, strings.ReplaceAll(c.Found, "\n", "; "))
	}
	for _, d := range destinations {
		fmt.Fprintf(&b, "destination %s (%s): %s, %d waiting", d.Name, d.Kind, d.State, d.Queued)
		if d.Rejected > 0 {
			fmt.Fprintf(&b, ", %d refused for good (the log has them)", d.Rejected)
		}
		if (d.State != ship.StateOK || d.Rejected > 0) && d.LastError != "" {
			fmt.Fprintf(&b, ": %s", d.LastError)
		}
		b.WriteByte('\n')
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(b.String())) // the client is gone: nobody to tell
}
