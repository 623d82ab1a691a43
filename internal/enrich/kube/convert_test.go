package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A pod as large as the API server takes is kept in a size that 250 of them may have.
func TestBounds(t *testing.T) {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "it", Labels: map[string]string{}, Annotations: map[string]string{}}}
	for i := range 1000 {
		name := fmt.Sprintf("name-%04d", i)
		p.Labels[name], p.Annotations[name] = strings.Repeat("x", 63), strings.Repeat("x", 300)
		c := corev1.Container{Name: name, Image: strings.Repeat("x", 5000), LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			Exec: &corev1.ExecAction{Command: []string{"sh", "-c", strings.Repeat("x", 5000)}}}}}
		p.Spec.Containers = append(p.Spec.Containers, c)
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{Name: name, ImageID: strings.Repeat("x", 5000)})
	}
	p.Annotations["first"] = strings.Repeat("x", maxAnnotation+1)
	got := convert(p)
	if len(got.Labels) != maxLabels || got.Labels["name-0000"] == "" || len(got.Annotations) != maxLabels || got.Annotations["first"] != "" || len(got.Containers) != maxContainers {
		t.Errorf("%d labels, %d annotations, %d containers", len(got.Labels), len(got.Annotations), len(got.Containers))
	}
	if c := got.Containers[0]; len(c.Image) != maxImage || len(c.ImageID) != maxImage || c.LivenessProbe != nil {
		t.Errorf("%+v", c)
	}
}

func TestRecent(t *testing.T) {
	r := newRecent[int](4, func(age time.Duration) time.Duration { return age })
	reads, fail := 0, false
	get := func(key int, age time.Duration) (time.Duration, error) {
		return r.get(context.Background(), key, func(context.Context) (time.Duration, error) {
			if reads++; fail {
				return 0, errors.New("no answer")
			}
			return age, nil
		})
	}
	for key := range 4 {
		_, _ = get(key, time.Hour)
		_, _ = get(key, time.Hour)
	}
	if reads != 4 {
		t.Errorf("%d reads of four", reads)
	}
	fail = true
	if _, err := get(9, 0); err == nil {
		t.Error("an error was taken for an answer")
	}
	fail, reads = false, 0
	for range 2 {
		_, _ = get(9, time.Nanosecond)
	}
	if reads != 2 {
		t.Errorf("%d reads of what was old", reads)
	}
	fail = true
	if v, err := get(9, 0); err != nil || v != time.Nanosecond {
		t.Errorf("old, and better than nothing: %v, %v", v, err)
	}
	if len(r.have) > 4 {
		t.Errorf("%d kept", len(r.have))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.slot(10).busy <- struct{}{} // somebody else reads
	if _, err := r.get(ctx, 10, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("who may wait no longer gets %v", err)
	}
}
