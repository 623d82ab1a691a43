package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/goshawk-security/goshawk/test/bench/daemon"
)

// sample is the agent at one moment.
type sample struct {
	at         time.Duration // since the load began
	memory     daemon.Memory
	heap       float64 // Go's live and dead objects, bytes
	inUse      float64 // of the heap, in spans that are used
	goroutines float64
	files      float64
	processes  float64
	containers float64
	waiting    float64 // alerts for the file
	events     float64 // received so far
	lost       float64
	cpu        time.Duration // used so far
	busy, all  float64       // of the machine, so far
}

// sampleInterval is the time between two samples; a line is printed for each
// minute's first, or for each in short runs.
const sampleInterval = 5 * time.Second

// sample takes samples until the context ends by time; that it was ended before
// is an error, as is an agent that does not answer.
func (r *result) sample(ctx context.Context, d *daemon.Daemon, out io.Writer) error {
	tick := time.NewTicker(sampleInterval)
	defer tick.Stop()
	start := time.Now()
	every := max(1, int(r.cfg.duration/sampleInterval/20))
	fmt.Fprintf(out, "%6s %8s %8s %8s %8s %5s %5s %6s %6s %8s %6s %6s %6s\n", "time", "own MiB", "rings",
		"heap", "in use", "gor.", "files", "procs", "queue", "events/s", "lost", "CPU %", "busy %")
	for {
		s, err := take(d, time.Since(start))
		if err != nil {
			return err
		}
		r.samples = append(r.samples, s)
		if n := len(r.samples) - 1; n > 0 && n%every == 0 {
			fmt.Fprintln(out, s.line(r.samples[n-every]))
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil
			}
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func take(d *daemon.Daemon, at time.Duration) (s sample, err error) {
	if d.Ended() {
		return s, errors.New("agent ended by itself")
	}
	m, err := d.Metrics()
	if err != nil {
		return s, err
	}
	s = sample{
		at:         at,
		heap:       m.Sum("go_memstats_heap_alloc_bytes"),
		inUse:      m.Sum("go_memstats_heap_inuse_bytes"),
		goroutines: m.Sum("go_goroutines"),
		files:      m.Sum("process_open_fds"),
		processes:  m.Sum("goshawk_processes"),
		containers: m.Sum("goshawk_containers"),
		waiting:    m.Sum("goshawk_queue_alerts"),
		events:     m.Sum("goshawk_events_total"),
		lost:       m.Sum("goshawk_events_lost_total"),
	}
	var cpuErr, busyErr, memErr error
	s.memory, memErr = daemon.ReadMemory(d.PID())
	s.cpu, cpuErr = daemon.ReadCPU(d.PID())
	s.busy, s.all, busyErr = daemon.MachineTicks()
	return s, errors.Join(memErr, cpuErr, busyErr)
}

// line writes the sample, with what happened since an earlier one.
func (s sample) line(since sample) string {
	seconds := (s.at - since.at).Seconds()
	return fmt.Sprintf("%6s %8.1f %8.1f %8.1f %8.1f %5.0f %5.0f %6.0f %6.0f %8.0f %6.0f %6.1f %6.0f",
		s.at.Round(time.Second), mib(float64(s.memory.Own())), mib(float64(s.memory.Rings)), mib(s.heap), mib(s.inUse),
		s.goroutines, s.files, s.processes, s.waiting, (s.events-since.events)/seconds, s.lost,
		100*(s.cpu-since.cpu).Seconds()/seconds, 100*(s.busy-since.busy)/max(1, s.all-since.all))
}

func mib(n float64) float64 { return n / (1 << 20) }
