package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MistakeError is a mistake in the configuration file, at the place a person has
// to edit. Load joins all it finds.
type MistakeError struct {
	File      string
	Line, Col int // from 1; 0 where it is not known
	Err       error
}

func (e *MistakeError) Error() string {
	s := e.File
	if e.Line > 0 {
		s += fmt.Sprintf(":%d", e.Line)
	}
	if e.Col > 0 {
		s += fmt.Sprintf(":%d", e.Col)
	}
	return s + ": " + e.Err.Error()
}

func (e *MistakeError) Unwrap() error { return e.Err }

// strict decodes a YAML document into tagged structs. Unlike the decoder of the
// yaml package it knows the column of each mistake, finds all of them, and says
// them in words that need no Go. What the file does not name keeps its value.
type strict struct {
	file     string
	mistakes []*MistakeError
	broken   bool                  // it is no YAML or has no keys, so there is nothing to check
	places   map[string]*yaml.Node // of each key that was read, by path
}

// fail notes a mistake in what stands at n.
func (s *strict) fail(n *yaml.Node, key, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if key != "" {
		err = fmt.Errorf("%s: %w", key, err)
	}
	s.mistakes = append(s.mistakes, &MistakeError{s.file, n.Line, n.Column, err})
}

// document reads the one document of text into the struct that v points to.
func (s *strict) document(text []byte, v any) {
	s.places = map[string]*yaml.Node{}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		s.syntax(fmt.Errorf("is empty: begin it with apiVersion: %s", APIVersion))
		return
	case err != nil:
		s.syntax(err)
		return
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		s.fail(&second, "", "a second document: the configuration is one")
	case !errors.Is(err, io.EOF):
		s.syntax(err)
		return
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		s.broken = true
		s.fail(root, "", "want keys and values, got %s", kindName(root))
		return
	}
	s.decode(root, reflect.ValueOf(v).Elem(), "")
}

// lineOf is how the yaml package writes the place of an error.
var lineOf = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

func (s *strict) syntax(err error) {
	s.broken = true
	text := err.Error()
	m := lineOf.FindStringSubmatch(text)
	line, _ := strconv.Atoi(m[1]) // 0 without a line
	if rest := text[len(m[0]):]; rest != text {
		err = errors.New(rest)
	}
	s.mistakes = append(s.mistakes, &MistakeError{File: s.file, Line: line, Err: err})
}

// check notes what a Validate method returned, each error at the place of its
// key, if it has one of those that begin with it.
func (s *strict) check(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			s.check(e)
		}
		return
	}
	if err == nil {
		return
	}
	n := s.place(err.Error())
	if n == nil {
		s.mistakes = append(s.mistakes, &MistakeError{File: s.file, Err: err})
		return
	}
	// A value that could not be read keeps its default; saying so again helps nobody.
	for _, m := range s.mistakes {
		if m.Line == n.Line && m.Col == n.Column {
			return
		}
	}
	s.mistakes = append(s.mistakes, &MistakeError{s.file, n.Line, n.Column, err})
}

// The errors of destinations name them beside their index.
var namedDestination = regexp.MustCompile(`^(destinations\[\d+\]) \([^)]*\)(?:: )?`)

// place finds the longest known key that an error's text begins with.
func (s *strict) place(text string) *yaml.Node {
	text = namedDestination.ReplaceAllString(text, "$1.")
	key, _, ok := strings.Cut(text, ": ")
	if !ok {
		return s.places[""]
	}
	for {
		if n := s.places[key]; n != nil && key != "" {
			return n
		}
		cut := strings.LastIndexAny(key, ".[")
		if cut < 0 {
			return nil
		}
		key = key[:cut]
	}
}

// sorted returns the mistakes in the order of the file.
func (s *strict) sorted() []error {
	slices.SortStableFunc(s.mistakes, func(a, b *MistakeError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	errs := make([]error, len(s.mistakes))
	for i, m := range s.mistakes {
		errs[i] = m
	}
	return errs
}

// plainYAML takes the prefix off an error of the yaml package: the place is said
// already.
func plainYAML(err error) error {
	var te *yaml.TypeError
	if errors.As(err, &te) {
		return errors.New(strings.Join(te.Errors, "; "))
	}
	return err
}
