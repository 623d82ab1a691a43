package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/goshawk-security/goshawk/internal/agent/config"

	"github.com/goshawk-security/goshawk/internal/agent/selection"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/match"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
	"github.com/goshawk-security/goshawk/rules"
)

// ruleset is one version of the rules, ready for use. Only the loop uses its
// matcher; everything else never changes.
type ruleset struct {
	rules   []*rule.Rule
	set     *match.Set
	matcher *match.Matcher
	hash    string    // of texts, selection and matching
	since   time.Time // when it was loaded
}

// needsEnviron tells that a rule asks for the environments of processes.
func (r *ruleset) needsEnviron() bool { return r.set.Needs().Has(field.NeedEnviron) }

// loaded is what came of reading the rules. hash and warnings are there also when
// they are bad.
type loaded struct {
	*ruleset
	hash     string
	warnings []*rule.Error
	unused   []selection.Selector // that name no rule
	results  []loader.Result      // what became of each source; none if the files are bad
}

// loadRuleset reads, selects and compiles the rules that the configuration asks
// for, and those of sources. The error joins every mistake of the files; rules of
// which none is enabled are one. A mistake in a source is in its result.
func loadRuleset(cfg *config.Config, cat *field.Catalogue, sources []loader.Source) (loaded, error) {
	read, results, err := loader.Load(loader.Config{Files: cfg.Rules, Shipped: rules.FS, Sources: sources, Catalogue: cat,
		Compile: func(list []*rule.Rule) error { _, err := match.Compile(list); return err }})
	l := loaded{hash: rulesHash(cfg, read), warnings: read.Warnings, results: results}
	if err != nil {
		return l, err
	}
	r := &ruleset{hash: l.hash, since: time.Now()}
	r.rules, l.unused = selection.Apply(read.Rules, cfg.RuleSelection)
	if r.set, err = match.Compile(r.rules); err != nil {
		return l, err
	}
	if r.set.Len() == 0 {
		return l, noRules(cfg)
	}
	var options []match.Option
	if cfg.RuleMatching == config.MatchFirst {
		options = append(options, match.FirstOnly)
	}
	r.matcher = r.set.NewMatcher(options...)
	l.ruleset = r
	return l, nil
}

func noRules(cfg *config.Config) error {
	where := strings.Join(cfg.Rules, ", ")
	if where == "" {
		where = "the shipped rules"
	}
	if len(cfg.RuleSelection) > 0 {
		return fmt.Errorf("no rule is enabled in %s after ruleSelection: there is nothing to look for", where)
	}
	return fmt.Errorf("no rule is enabled in %s: there is nothing to look for", where)
}

// rulesHash names what the rules are made of: texts, selection and matching.
func rulesHash(cfg *config.Config, read *rule.Set) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", read.Hash(), cfg.RuleMatching)
	for _, s := range cfg.RuleSelection {
		io.WriteString(h, s.String()+"\n")
	}
	return hex.EncodeToString(h.Sum(nil))
}

// short is as much of a hash as people compare.
func short(hash string) string { return hash[:min(12, len(hash))] }
