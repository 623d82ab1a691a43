package rules

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"
)

// testCase is one event and the rules that it makes true, as X.test.yaml has
// it. docs/rules.md describes the format.
type testCase struct {
	Name   string    `yaml:"name"`
	Event  eventSpec `yaml:"event"`
	Expect []string  `yaml:"expect"` // exactly these rules, in any order
	Near   string    `yaml:"near"`   // the rule that this event comes near to and must not fire
}

// eventSpec is an event in the words of a rule author.
type eventSpec struct {
	Type   string    `yaml:"type"`
	Result string    `yaml:"result"` // a number, an error's name or "unknown"; default success
	Flags  string    `yaml:"flags"`  // of an open: O_WRONLY|O_CREAT; of unlinkat: AT_REMOVEDIR
	Mode   string    `yaml:"mode"`   // octal
	FD     *int32    `yaml:"fd"`     // the descriptor that the call takes or makes
	Path   *pathSpec `yaml:"path"`
	Path2  *pathSpec `yaml:"path2"` // rename's, link's and symlink's second one
	// Socket is the one behind the descriptor, as two ends: tcp
	// 10.0.0.5:40000->203.0.113.7:443, udp …, or unix /run/x.sock.
	Socket    string      `yaml:"socket"`
	Process   []imageSpec `yaml:"process"` // newest first, then its ancestors
	Container string      `yaml:"container"`
	Pod       string      `yaml:"pod"` // UID; makes a container if none is given
}

// pathSpec is a path in its forms. A plain string is a path that was given
// and, where the call makes the kernel resolve it, resolved to the same.
type pathSpec struct {
	Given    string `yaml:"given"`
	Dir      string `yaml:"dir"` // what a relative path is relative to
	Resolved string `yaml:"resolved"`
	Origin   string `yaml:"origin"`
	Kind     string `yaml:"kind"` // file, directory, device, block
}

func (p *pathSpec) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		p.Given = n.Value
		return nil
	}
	type plain pathSpec
	return n.Decode((*plain)(p))
}

// imageSpec is a process. A plain string is its command line, whose first word
// is the path of the executable.
type imageSpec struct {
	Run     string   `yaml:"run"` // path of the executable, and arguments by blanks
	Args    []string `yaml:"args"`
	Name    string   `yaml:"name"`    // default: last part of the path
	ExePath string   `yaml:"exepath"` // default: first word of run
	UID     uint32   `yaml:"uid"`
	Login   *uint32  `yaml:"login"` // login uid; default: none
	TTY     bool     `yaml:"tty"`
	VPID    uint32   `yaml:"vpid"`
	CWD     string   `yaml:"cwd"`
	Memfd   bool     `yaml:"memfd"`
	// What the program finds at its first descriptors: file [/path], terminal, pipe, fifo
	// /path, tcp A->B, unix. Default: file.
	Stdin  string `yaml:"stdin"`
	Stdout string `yaml:"stdout"`
	Stderr string `yaml:"stderr"`
}

func (i *imageSpec) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		i.Run = n.Value
		return nil
	}
	type plain imageSpec
	return n.Decode((*plain)(i))
}

// readCases reads a test file. Keys that it does not know are mistakes.
func readCases(t testing.TB, file string) []testCase {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []testCase
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&cases); err != nil {
		t.Fatal(fmt.Errorf("read %s: %w", file, err))
	}
	return cases
}
