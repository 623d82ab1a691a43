package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
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
