package outcome

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOf(t *testing.T) {
	cause := errors.New("cause")
	part := &Error{Err: cause, Retry: []int{1}, Rejected: []Rejection{{Index: 0, Reason: "bad"}}}
	for _, tt := range []struct {
		name  string
		err   error
		retry []int
	}{
		{"plain error", cause, []int{0, 1, 2}},
		{"one that says", part, []int{1}},
		{"wrapped", fmt.Errorf("send: %w", part), []int{1}},
		{"retry outside", &Error{Err: cause, Retry: []int{3}}, []int{0, 1, 2}},
		{"retry twice", &Error{Err: cause, Retry: []int{1, 1}}, []int{0, 1, 2}},
		{"retry out of order", &Error{Err: cause, Retry: []int{2, 1}}, []int{0, 1, 2}},
		{"rejection twice", &Error{Err: cause, Rejected: []Rejection{{Index: 2}, {Index: 2}}}, []int{0, 1, 2}},
		{"both", &Error{Err: cause, Retry: []int{0, 2}, Rejected: []Rejection{{Index: 2}}}, []int{0, 1, 2}},
		{"all of them", &Error{Err: cause, Retry: []int{0, 2}, Rejected: []Rejection{{Index: 1}}}, []int{0, 2}},
		{"rejection outside", &Error{Err: cause, Rejected: []Rejection{{Index: -1}}}, []int{0, 1, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Of(tt.err, 3)
			if diff := cmp.Diff(tt.retry, got.Retry); diff != "" {
				t.Errorf("retry (-want +got):\n%s", diff)
			}
			if !errors.Is(got, cause) {
				t.Errorf("the cause is lost: %v", got)
			}
		})
	}
	if got := Of(nil, 3); got != nil {
		t.Errorf("Of(nil): %v", got)
	}
}
