package report

import (
	"encoding/json"
	"io"
)

// The keys of JSON are stable: programs read them.
type jsonReport struct {
	Errors   int           `json:"errors"`
	Warnings int           `json:"warnings"`
	Rules    int           `json:"rules"`
	Problems []jsonProblem `json:"problems"`
}

type jsonProblem struct {
	File      string `json:"file"`
	Line      int    `json:"line,omitempty"` // from 1; none for the whole file
	Column    int    `json:"column,omitempty"`
	EndColumn int    `json:"endColumn,omitempty"` // the one behind the place
	Severity  string `json:"severity"`            // error or warning
	Code      string `json:"code"`
	FalcoCode string `json:"falcoCode,omitempty"`
	Kind      string `json:"kind,omitempty"` // rule, macro or list
	Name      string `json:"name,omitempty"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
}

// JSON writes a report for programs: one object.
func JSON(w io.Writer, r *Report) error {
	out := jsonReport{Errors: len(r.Errors), Warnings: len(r.Warnings), Rules: r.Rules, Problems: []jsonProblem{}}
	for _, p := range r.problems() {
		out.Problems = append(out.Problems, jsonProblem{
			File: p.Pos.File, Line: p.Pos.Line, Column: p.Pos.Col, EndColumn: p.end,
			Severity: p.level(), Code: string(p.info.Code), FalcoCode: p.info.Falco,
			Kind: p.kind(), Name: p.Rule, Message: p.Err.Error(), Hint: p.Hint,
		})
	}
	return write(w, out)
}

func write(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
