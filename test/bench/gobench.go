package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"time"
)

// GoBench is one line of go test -bench.
type GoBench struct {
	Package string             `json:"package"` // the last part of its path
	Name    string             `json:"name"`
	Count   int                `json:"count"`
	Figures map[string]float64 `json:"figures"` // by unit
}

const goBenchTime = 10 * time.Minute

// runGo runs the Go benchmarks of the stages that every event goes through.
func runGo(ctx context.Context, cfg *config, report *Report, out io.Writer) error {
	fmt.Fprintln(out, "Go benchmarks: what the agent does with one event")
	ctx, cancel := context.WithTimeout(ctx, goBenchTime)
	defer cancel()
	each := "1s"
	if cfg.short {
		each = "200ms"
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench=.", "-benchmem", "-benchtime="+each,
		"./internal/decode", "./internal/match", "./internal/rule", "./rules", "./test/bench")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	report.Go = parseGoBench(string(text))
	printGoBench(out, report.Go)
	if err != nil {
		return fmt.Errorf("go test (run this in the project's directory): %w\n%s", err, text)
	}
	for _, b := range report.Go {
		if strings.HasPrefix(b.Name, "BenchmarkEvent/stage=all") {
			report.target("decode, enrich and match an event that no rule wants", b.Figures["cpu-ns/op"]/1000, 2, "µs")
			report.target("allocations for it", b.Figures["allocs/op"], 0, "")
		}
	}
	return nil
}

// parseGoBench reads the lines of benchmarks from the output of go test.
func parseGoBench(text string) []GoBench {
	var list []GoBench
	pkg := ""
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 2 && f[0] == "pkg:" {
			pkg = path.Base(f[1])
		}
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		count, err := strconv.Atoi(f[1])
		if err != nil {
			continue
		}
		b := GoBench{Package: pkg, Name: f[0], Count: count, Figures: map[string]float64{}}
		for i := 2; i+1 < len(f); i += 2 {
			if v, err := strconv.ParseFloat(f[i], 64); err == nil {
				b.Figures[f[i+1]] = v
			}
		}
		list = append(list, b)
	}
	return list
}

func printGoBench(out io.Writer, list []GoBench) {
	t := table(out)
	fmt.Fprintln(t, "  benchmark\tns/op\tCPU ns/op\tB/op\tallocs/op\t")
	for _, b := range list {
		cpu := ""
		if v, ok := b.Figures["cpu-ns/op"]; ok {
			cpu = number(v)
		}
		fmt.Fprintf(t, "  %s: %s\t%s\t%s\t%s\t%s\t\n", b.Package, strings.TrimPrefix(b.Name, "Benchmark"),
			number(b.Figures["ns/op"]), cpu, number(b.Figures["B/op"]), number(b.Figures["allocs/op"]))
	}
	_ = t.Flush()
}
