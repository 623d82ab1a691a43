package report

import (
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// The parts of SARIF 2.1.0 that code scanners read.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string         `json:"id"`
		Short   sarifText      `json:"shortDescription"`
		Help    sarifText      `json:"help"`
		Default sarifDefault   `json:"defaultConfiguration"`
		Props   map[string]any `json:"properties,omitempty"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Kind string `json:"kind"`
	}
)

// SARIF writes a report for code scanners. version is that of goshawk; dir is the
// directory that files are named from.
func SARIF(w io.Writer, r *Report, version, dir string) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "goshawk", Version: version, Rules: []sarifRule{}}
	index := map[rule.Code]int{}
	for i, c := range rule.Codes() {
		index[c.Code] = i
		level := "warning"
		if c.Severity == rule.Failure {
			level = "error"
		}
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			ID: string(c.Code), Short: sarifText{c.Meaning}, Help: sarifText{c.Help}, Default: sarifDefault{level},
			Props: map[string]any{"falco": c.Falco, "tags": []string{"falco-rules"}},
		})
	}
	for _, p := range r.problems() {
		run.Results = append(run.Results, p.sarif(index[p.info.Code], dir))
	}
	return write(w, sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

func (p *problem) sarif(index int, dir string) sarifResult {
	text := p.Err.Error()
	if p.Rule != "" {
		text = p.kind() + " " + p.Rule + ": " + text
	}
	if p.Hint != "" {
		text += "; " + p.Hint
	}
	loc := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{fileURI(p.Pos.File, dir)}}}
	if p.Pos.Line > 0 {
		loc.Physical.Region = &sarifRegion{StartLine: p.Pos.Line, StartColumn: max(p.Pos.Col, 1), EndColumn: p.end}
	}
	if p.Rule != "" {
		loc.Logical = []sarifLogical{{Name: p.Rule, Kind: p.kind()}}
	}
	return sarifResult{RuleID: string(p.info.Code), RuleIndex: index, Level: p.level(), Message: sarifText{text}, Locations: []sarifLocation{loc}}
}

// fileURI names a file from a directory: scanners resolve it in the repository
// that they look at. What is elsewhere has its whole path.
func fileURI(name, dir string) string {
	if filepath.IsAbs(name) {
		rel, err := filepath.Rel(dir, name)
		if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return (&url.URL{Scheme: "file", Path: filepath.ToSlash(name)}).String()
		}
		name = rel
	}
	return (&url.URL{Path: filepath.ToSlash(filepath.Clean(name))}).String()
}
