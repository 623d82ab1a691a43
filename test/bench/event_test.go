package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/decode"
	"github.com/goshawk-security/goshawk/internal/enrich"
	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
	"github.com/goshawk-security/goshawk/rules"
	"github.com/goshawk-security/goshawk/test/bench/daemon"
)

// openerVariable makes the test's program open every file below a directory, the
// variable's value, say so and wait for the end of its input.
const openerVariable = "GOSHAWK_BENCH_OPENER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(openerVariable); dir != "" {
		os.Exit(openAll(dir))
	}
	os.Exit(m.Run())
}

func openAll(dir string) int {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return 1
	}
	for _, f := range files {
		if err := openClose(append([]byte(f), 0), 1); err != nil {
			return 1
		}
	}
	fmt.Println("done")
	_, _ = io.Copy(io.Discard, os.Stdin) // lives until the benchmark ends
	return 0
}

// recording is what a live kernel said of a process that opened files, and the
// process table as it was then.
type recording struct {
	set      *match.Set
	enricher *enrich.Enricher
	records  [][]byte
}

// record attaches the kernel side, lets a process open n files that no rule cares
// about, and keeps the records.
func record(b *testing.B, n int) *recording {
	b.Helper()
	if os.Geteuid() != 0 {
		b.Skip("attaching to the kernel needs root")
	}
	loaded, err := loader.FS(rules.FS, ".", field.New(field.Syscall()))
	if err != nil {
		b.Fatal(err)
	}
	r := &recording{}
	if r.set, err = match.Compile(loaded.Rules); err != nil {
		b.Fatal(err)
	}
	if r.enricher, err = enrich.New(enrich.Config{}, nil); err != nil {
		b.Fatal(err)
	}
	src, err := capture.Open(capture.Config{Environ: r.set.Needs().Has(field.NeedEnviron)}, r.set.Types())
	if err != nil {
		b.Fatal(err)
	}
	defer src.Close() // the records are kept
	if err := r.enricher.Scan(b.Context()); err != nil {
		b.Log(err)
	}
	r.read(b, src, startOpener(b, n), n)
	return r
}

// startOpener starts the process and returns its id. It ends with the benchmark.
func startOpener(b *testing.B, n int) uint32 {
	b.Helper()
	dir := b.TempDir()
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file%d.txt", i)), nil, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), openerVariable+"="+dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(stdin.Close(), cmd.Wait()); err != nil {
			b.Error(err)
		}
	})
	return uint32(cmd.Process.Pid)
}

// read takes records until the process has opened its files. What changes the
// process table goes there.
func (r *recording) read(b *testing.B, src *capture.Source, pid uint32, n int) {
	b.Helper()
	var rec capture.Record
	var ev event.Event
	for deadline := time.Now().Add(20 * time.Second); len(r.records) < n; {
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d records after 20 s", len(r.records), n)
		}
		err := src.Next(&rec)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			b.Fatal(err)
		}
		if err := decode.Record(rec.Bytes, &ev); err != nil {
			b.Fatal(err)
		}
		r.enricher.Apply(&ev)
		if ev.Type == event.Openat && ev.PID == pid && bytes.HasSuffix(ev.Path.Given, []byte(".txt")) {
			r.records = append(r.records, slices.Clone(rec.Bytes))
		}
	}
}

// BenchmarkEvent takes records of the live kernel through the stages of the
// agent: opens that no rule wants, against the rules that are shipped.
func BenchmarkEvent(b *testing.B) {
	r := record(b, 2000)
	matcher := r.set.NewMatcher()
	var ev event.Event
	stages := []struct {
		name string
		run  func(rec []byte) error
	}{
		{"decode", func(rec []byte) error { return decode.Record(rec, &ev) }},
		{"decode+enrich", func(rec []byte) error {
			err := decode.Record(rec, &ev)
			r.enricher.Apply(&ev)
			return err
		}},
		{"all", func(rec []byte) error {
			err := decode.Record(rec, &ev)
			r.enricher.Apply(&ev)
			if hits := matcher.Match(&ev); len(hits) > 0 {
				return fmt.Errorf("rule %q matches: this measures the wrong thing", hits[0].Rule.Name)
			}
			return err
		}},
	}
	for _, s := range stages {
		b.Run("stage="+s.name, func(b *testing.B) {
			b.ReportAllocs()
			i, before := 0, processTime(b)
			for b.Loop() {
				if err := s.run(r.records[i]); err != nil {
					b.Fatal(err)
				}
				if i++; i == len(r.records) {
					i = 0
				}
			}
			// On a busy machine the time on the wall is also that of others.
			b.ReportMetric(float64(processTime(b)-before)/float64(b.N), "cpu-ns/op")
			if ev.Image == nil && s.name != "decode" {
				b.Fatal("process is not known: this measures the wrong thing")
			}
		})
	}
}

// processTime is the time that all threads of this process have run.
func processTime(b *testing.B) time.Duration {
	b.Helper()
	cpu, err := daemon.ReadCPU(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	return cpu
}
