package main

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/decode"
	"github.com/goshawk-security/goshawk/internal/event"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run() error {
	out := flag.String("o", "", "`file` to write")
	skip := flag.Int("skip", 0, "events to leave out at the beginning, births and images not counted")
	most := flag.Int("max", 6000, "events to keep, births and images not counted")
	flag.Parse()
	if *out == "" || flag.NArg() == 0 {
		return errors.New("name a file and a command: record -o FILE -- COMMAND")
	}
	src, err := capture.Open(capture.Config{EventsBytes: 64 << 20, StateBytes: 64 << 20}, event.Types())
	if err != nil {
		return err
	}
	defer src.Close()
	file, err := os.Create(*out)
	if err != nil {
		return err
	}
	defer file.Close() // an error shows in Sync
	packed := gzip.NewWriter(file)
	w := &writer{out: bufio.NewWriter(packed), skip: *skip, left: *most, family: map[uint32]bool{}}
	if err := w.record(src, exec.Command(flag.Arg(0), flag.Args()[1:]...)); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "record: %d events, %d births and images, lost %d\n", w.events, w.states, src.Gaps())
	return errors.Join(w.out.Flush(), packed.Close(), file.Sync())
}

// writer keeps the records of one family of processes.
type writer struct {
	out    *bufio.Writer
	skip   int
	left   int
	events int
	states int
	family map[uint32]bool
}

// record runs the command and writes what it does until it has ended.
func (w *writer) record(src *capture.Source, cmd *exec.Cmd) error {
	cmd.Stdout, cmd.Stderr = io.Discard, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	w.family[uint32(cmd.Process.Pid)] = true
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		ended <- errors.Join(err, src.Detach())
	}()
	var rec capture.Record
	for {
		switch err := src.Next(&rec); {
		case errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, os.ErrClosed):
			return <-ended
		case err != nil:
			return err
		default:
			if err := w.add(&rec); err != nil {
				return err
			}
		}
	}
}

// add writes a record if it is wanted.
func (w *writer) add(rec *capture.Record) error {
	var ev event.Event
	if err := decode.Record(rec.Bytes, &ev); err != nil {
		return err
	}
	state := ev.HasTask() && ev.Type.Info().State
	if state && w.family[ev.PID] {
		w.family[ev.Task.PID] = true
	}
	switch {
	case !w.family[ev.PID] && !(state && w.family[ev.Task.PID]):
		return nil
	case state:
		w.states++
	case w.skip > 0:
		w.skip--
		return nil
	case w.left == 0:
		return nil
	default:
		w.left--
		w.events++
	}
	var head [12]byte
	binary.NativeEndian.PutUint64(head[:], uint64(rec.BootOffset))
	binary.NativeEndian.PutUint32(head[8:], uint32(len(rec.Bytes)))
	w.out.Write(head[:])
	_, err := w.out.Write(rec.Bytes)
	return err
}
