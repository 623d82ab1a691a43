package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	readyTime = 20 * time.Second
	stopTime  = 10 * time.Second // the agent itself promises five
)

// Options say what to start.
type Options struct {
	Binary string   // the agent's program
	Dir    string   // for configuration, alerts and log
	Rules  []string // files and directories; none: the shipped rules
}

// Daemon is an agent that runs. It is for one goroutine.
type Daemon struct {
	Alerts string // the file with its alerts, one JSON object a line
	Log    string // the file with its log

	cmd    *exec.Cmd
	base   string // of its pages
	client http.Client
	ended  chan error
}

// Start starts an agent and returns when it says that it sees events. The caller
// calls Stop.
func Start(ctx context.Context, o Options) (*Daemon, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	d := &Daemon{
		Alerts: filepath.Join(o.Dir, "alerts.json"),
		Log:    filepath.Join(o.Dir, "agent.log"),
		base:   "http://" + address,
		client: http.Client{Timeout: 5 * time.Second},
		ended:  make(chan error, 1),
	}
	config := filepath.Join(o.Dir, "goshawk.yaml")
	if err := os.WriteFile(config, d.config(o.Rules, address), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	log, err := os.Create(d.Log)
	if err != nil {
		return nil, fmt.Errorf("make log file: %w", err)
	}
	defer log.Close() // the child has its own
	d.cmd = exec.Command(o.Binary, "run", "-c", config)
	d.cmd.Stderr = log
	if err := d.launch(); err != nil {
		return nil, fmt.Errorf("start agent: %w", err)
	}
	if err := d.waitReady(ctx); err != nil {
		return nil, errors.Join(err, d.Stop())
	}
	return d, nil
}

// launch starts the agent so that it ends with us, however we end. The kernel
// means by that the thread that started it, which therefore waits for it.
func (d *Daemon) launch() error {
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		err := d.cmd.Start()
		started <- err
		if err == nil {
			d.ended <- d.cmd.Wait()
		}
	}()
	return <-started
}

func (d *Daemon) config(rules []string, address string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "apiVersion: goshawk/v1\n")
	if len(rules) > 0 {
		fmt.Fprintf(&b, "rules:\n")
		for _, r := range rules {
			fmt.Fprintf(&b, "  - %q\n", r)
		}
	}
	fmt.Fprintf(&b, "destinations:\n  - name: file\n    file: {path: %q}\n", d.Alerts)
	fmt.Fprintf(&b, "http: {address: %q}\n", address)
	return b.Bytes()
}

// freeAddress finds a port of the loopback that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close() // it was listened on for its number alone
	return l.Addr().String(), nil
}

// waitReady asks /readyz until the answer is yes.
func (d *Daemon) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	last := errors.New("it did not answer")
	for {
		select {
		case err := <-d.ended:
			d.ended <- err
			return fmt.Errorf("agent ended before it was ready: %w; its log: %s", err, d.logTail())
		case <-ctx.Done():
			return fmt.Errorf("agent is not ready after %v: %w; its log: %s", readyTime, last, d.logTail())
		case <-poll.C:
		}
		if _, last = d.get("/readyz"); last == nil {
			return nil
		}
	}
}

func (d *Daemon) get(page string) ([]byte, error) {
	resp, err := d.client.Get(d.base + page)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() // read whole below
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", page, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", page, resp.Status, strings.TrimSpace(string(text)))
	}
	return text, nil
}

// Metrics reads the agent's metrics.
func (d *Daemon) Metrics() (Metrics, error) {
	text, err := d.get("/metrics")
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	return ParseMetrics(text)
}

// PID returns the agent's process id.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Ended tells whether the agent ended by itself.
func (d *Daemon) Ended() bool {
	select {
	case err := <-d.ended:
		d.ended <- err
		return true
	default:
		return false
	}
}

// Stop asks the agent to end and waits for it. An agent that does not end in time
// is killed, and that is an error.
func (d *Daemon) Stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop agent: %w", err)
	}
	select {
	case err := <-d.ended:
		d.ended <- nil
		if err != nil {
			return fmt.Errorf("agent ended badly: %w; its log: %s", err, d.logTail())
		}
		return nil
	case <-time.After(stopTime):
	}
	err := d.cmd.Process.Kill()
	<-d.ended
	d.ended <- nil
	return errors.Join(fmt.Errorf("agent did not end within %v of SIGTERM and was killed", stopTime), err)
}

// logTail returns the end of the agent's log for an error's text.
func (d *Daemon) logTail() string {
	text, err := os.ReadFile(d.Log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}
