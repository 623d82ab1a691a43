// Package admit is the admission webhook for rule sets: it refuses one whose rules
// agents would refuse, with the place and the line, and warns of what works but is
// probably not meant, and of sets of namespaces that a change would break.
//
// It is there for people: agents load sets by the same code and refuse the same. So
// what cannot be checked here is let through, with a warning.
package admit

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"go.uber.org/zap"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/goshawk-security/goshawk/internal/control/api"
	"github.com/goshawk-security/goshawk/internal/control/trial"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
	"github.com/goshawk-security/goshawk/internal/rule/report"
)

// Handler answers for one kind of rule set.
type Handler struct {
	Court   *trial.Court
	Reader  client.Reader // of the sets that are there
	Object  func() client.Object
	Decoder admission.Decoder
	Log     *zap.Logger
	Count   func(allowed bool) // what was answered; may be nil
}

// Paths are where the webhooks of the two kinds are asked.
const (
	PathRuleSet        = "/validate/rulesets"
	PathClusterRuleSet = "/validate/clusterrulesets"
)

// NewRuleSet returns the Handler for RuleSets, and NewClusterRuleSet that for the
// others.
func NewRuleSet(c *trial.Court, r client.Reader, s *runtime.Scheme, log *zap.Logger) *Handler {
	return &Handler{Court: c, Reader: r, Object: func() client.Object { return &api.RuleSet{} }, Decoder: admission.NewDecoder(s), Log: log}
}

// NewClusterRuleSet returns the Handler for ClusterRuleSets.
func NewClusterRuleSet(c *trial.Court, r client.Reader, s *runtime.Scheme, log *zap.Logger) *Handler {
	return &Handler{Court: c, Reader: r, Object: func() client.Object { return &api.ClusterRuleSet{} }, Decoder: admission.NewDecoder(s), Log: log}
}

// Handle implements admission.Handler.
func (h *Handler) Handle(ctx context.Context, req admission.Request) admission.Response {
	answer := h.answer(ctx, req)
	if h.Count != nil {
		h.Count(answer.Allowed)
	}
	if !answer.Allowed {
		h.Log.Info("rule set refused", zap.String("kind", req.Kind.Kind), zap.String("namespace", req.Namespace), zap.String("name", req.Name),
			zap.String("user", req.UserInfo.Username), zap.String("message", answer.Result.Message))
	}
	return answer
}

func (h *Handler) answer(ctx context.Context, req admission.Request) admission.Response {
	if req.Operation != admissionv1.Create && req.Operation != admissionv1.Update {
		return admission.Allowed("")
	}
	obj := h.Object()
	if err := h.Decoder.Decode(req, obj); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	now, ok := trial.Of(obj)
	if !ok || obj.GetDeletionTimestamp() != nil || h.unchanged(req, now) {
		return admission.Allowed("")
	}
	if now.Namespace == "" && req.Namespace != "" {
		now.Namespace = req.Namespace
	}
	there, err := trial.Sources(ctx, h.Reader)
	if err != nil {
		h.Log.Error("rule set not checked", zap.String("set", now.Place()), zap.Error(err))
		return admission.Allowed("").WithWarnings("the rules were not checked: " + err.Error())
	}
	return h.judge(now, there)
}

// unchanged tells that an update leaves the rules as they are: who changes a label or
// takes a finalizer away is not to be held up by what others wrote.
func (h *Handler) unchanged(req admission.Request, now loader.Source) bool {
	if req.Operation != admissionv1.Update || len(req.OldObject.Raw) == 0 {
		return false
	}
	obj := h.Object()
	if err := h.Decoder.DecodeRaw(req.OldObject, obj); err != nil {
		return false
	}
	old, ok := trial.Of(obj)
	return ok && old.Text == now.Text && old.Order == now.Order
}

// judge holds a set against those that are there.
func (h *Handler) judge(now loader.Source, there []loader.Source) admission.Response {
	before := slices.DeleteFunc(slices.Clone(there), func(s loader.Source) bool {
		// The sets of other namespaces have no say in one of a namespace.
		return now.Namespace != "" && s.Namespace != "" && s.Namespace != now.Namespace
	})
	others := slices.DeleteFunc(slices.Clone(before), func(s loader.Source) bool { return s.Place() == now.Place() })
	outcome := h.Court.Try(append(others, now))
	if outcome.Err != nil {
		h.Log.Error("rule set not checked: the rule files cannot be loaded", zap.String("set", now.Place()), zap.Error(outcome.Err))
		return admission.Allowed("").WithWarnings("the rules were not checked: the controller cannot load its rule files")
	}
	mine := outcome.Results[now.Place()]
	if len(mine.Errors) > 0 {
		return refused(explain(mine.Errors, now, outcome.Set))
	}
	warnings := short(mine.Warnings)
	if now.Namespace == "" {
		broken := h.breaks(there, outcome)
		if len(broken.cluster) > 0 {
			return refused(fmt.Sprintf("the rules would break %s: change that first\n%s", broken.cluster[0].Source.Place(),
				explain(broken.cluster[0].Errors, broken.cluster[0].Source, outcome.Set)))
		}
		warnings = append(broken.warnings(), warnings...)
	}
	return admission.Allowed("").WithWarnings(warnings...)
}

// broken are sets that load without a change and not with it.
type broken struct{ cluster, confined []loader.Result }

// breaks finds what a change would break.
func (h *Handler) breaks(before []loader.Source, after *trial.Outcome) broken {
	var b broken
	were := h.Court.All(before)
	for place, r := range after.Results {
		if was, known := were.Results[place]; !known || len(was.Errors) > 0 || len(r.Errors) == 0 {
			continue
		}
		if r.Source.Namespace == "" {
			b.cluster = append(b.cluster, r)
		} else {
			b.confined = append(b.confined, r)
		}
	}
	for _, list := range [][]loader.Result{b.cluster, b.confined} {
		slices.SortFunc(list, func(a, b loader.Result) int { return strings.Compare(a.Source.Place(), b.Source.Place()) })
	}
	return b
}

// maxWarnings is how many are told; the API server cuts what is more.
const maxWarnings = 10

// warnings says which sets of namespaces would break.
func (b *broken) warnings() []string {
	var all []string
	for i, r := range b.confined {
		if i == maxWarnings {
			return append(all, fmt.Sprintf("this breaks %d more rule sets", len(b.confined)-i))
		}
		all = append(all, fmt.Sprintf("this breaks %s: %s", r.Source.Place(), r.Errors[0]))
	}
	return all
}

// short writes warnings of a set, one on a line, the first of them.
func short(list []*rule.Error) []string {
	var all []string
	for i, e := range list {
		if i == maxWarnings {
			return append(all, fmt.Sprintf("and %d more warnings: goshawk rules check shows all", len(list)-i))
		}
		all = append(all, e.Error())
	}
	return all
}

// maxErrors is how many mistakes a refusal explains.
const maxErrors = 10

// explain writes mistakes as goshawk rules check does, with the lines.
func explain(errs []*rule.Error, of loader.Source, set *rule.Set) string {
	more := ""
	if n := len(errs); n > maxErrors {
		errs, more = errs[:maxErrors], fmt.Sprintf("and %d more mistakes: goshawk rules check shows all\n", n-maxErrors)
	}
	r := &report.Report{Errors: errs, Text: func(file string) string {
		if file == of.Place() {
			return of.Text
		}
		return set.Text(file)
	}}
	var b strings.Builder
	_ = report.Text(&b, r, false) // a Builder takes everything
	return strings.TrimRight(b.String()+more, "\n")
}

// refused is the answer to a set that cannot be loaded.
func refused(message string) admission.Response {
	return admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{Allowed: false,
		Result: &metav1.Status{Status: metav1.StatusFailure, Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid, Message: message}}}
}
