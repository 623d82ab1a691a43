package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// patience is how long appears waits.
const patience = 20 * time.Second

// appears waits until a file, or the page at a URL, matches a pattern:
//
//	appears FILE|URL PATTERN
func appears(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: appears FILE|URL PATTERN")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	text := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if text = look(ts, args[0]); pattern.MatchString(text) {
			return
		}
	}
	ts.Fatalf("%s does not appear in %s, which is\n%s", args[1], args[0], text)
}

// look reads a file or a page; what is not there is empty.
func look(ts *testscript.TestScript, place string) string {
	if !strings.HasPrefix(place, "http://") {
		text, err := os.ReadFile(ts.MkAbs(place))
		if err != nil {
			return ""
		}
		return string(text)
	}
	answer, err := http.Get(place)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return ""
	}
	return answer.Status + "\n" + string(text)
}

// openToAll lets other users run the program under test and use the directory of
// the script:
//
//	open-to-all
func openToAll(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: open-to-all")
	}
	dirs := append(strings.Split(ts.Getenv("PATH"), string(filepath.ListSeparator)), ts.MkAbs("."))
	for _, dir := range dirs {
		for ; strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
			ts.Check(os.Chmod(dir, 0o755))
		}
	}
}

// stops asks the process whose number is in a file to end, with SIGTERM, and
// waits until it has, which must take less than the time given:
//
//	stops FILE DURATION
func stops(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: stops FILE DURATION")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[0])))
	ts.Check(err)
	limit, err := time.ParseDuration(args[1])
	ts.Check(err)
	begin := time.Now()
	ts.Check(unix.Kill(pid, unix.SIGTERM))
	for unix.Kill(pid, 0) == nil && time.Since(begin) < patience {
		time.Sleep(5 * time.Millisecond)
	}
	if took := time.Since(begin); took >= limit {
		ts.Fatalf("took %v to stop, want less than %v", took, limit)
	} else {
		ts.Logf("stopped after %v", took)
	}
}
