package main

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// The objects' names.
const (
	namespace = "goshawk-load"
	ownNode   = "goshawk-load-own"
	otherNode = "goshawk-load-other-%d"
	nodes     = 50
)

// make creates the nodes and their pods.
func (l *load) make(ctx context.Context, client kubernetes.Interface) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{"team": "load"}}}
	if _, err := client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	for i := -1; i < nodes; i++ {
		name := fmt.Sprintf(otherNode, i)
		if i < 0 {
			name = ownNode
		}
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name},
			Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("10.77.0.%d", i+2)}}}}
		if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	// Pods need a service account; its controller makes it.
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	if _, err := client.CoreV1().ServiceAccounts(namespace).Create(ctx, account, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return inParallel(l.own+l.others, func(i int) error { return makePod(ctx, client, i, l.own) })
}

// makePod creates the i-th pod, with what real ones have: labels, annotations,
// environment, volumes, probes, conditions.
func makePod(ctx context.Context, client kubernetes.Interface, i, own int) error {
	node := ownNode
	if i >= own {
		node = fmt.Sprintf(otherNode, i%nodes)
	}
	app := fmt.Sprintf("app-%d", i/10)
	env := make([]corev1.EnvVar, 20)
	for j := range env {
		env[j] = corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", j), Value: "a value of a usual length, some forty letters"}
	}
	controller := true
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pod-%d", i), Namespace: namespace,
			Labels:          map[string]string{"app.kubernetes.io/name": app, "app.kubernetes.io/version": "1.2.3", "pod-template-hash": "67f4c86b4f", "team": "shop"},
			Annotations:     map[string]string{"prometheus.io/scrape": "true", "checksum/config": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "example.com/v1", Kind: "Fleet", Name: app, UID: "00000000-0000-0000-0000-000000000001", Controller: &controller}}},
		Spec: corev1.PodSpec{NodeName: node, Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers: []corev1.Container{
				{Name: "main", Image: "registry.example.com/shop/" + app + ":1.2.3", Env: env, LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"/bin/alive"}}}}},
				{Name: "proxy", Image: "registry.example.com/mesh/proxy:1.20"}}},
	}
	if _, err := client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	}
	return setStatus(ctx, client, i, 0)
}

// setStatus gives a pod the status of one that runs.
func setStatus(ctx context.Context, client kubernetes.Interface, i, restarts int) error {
	ip := podIP(i)
	patch := fmt.Sprintf(`{"status":{"phase":"Running","podIP":%[1]q,"podIPs":[{"ip":%[1]q}],"containerStatuses":[
		{"name":"main","image":"x","imageID":"x@sha256:%064[2]d","containerID":"containerd://%064[3]d","ready":true,"restartCount":%[2]d},
		{"name":"proxy","image":"y","imageID":"y@sha256:%064[2]d","containerID":"containerd://%064[3]d","ready":true,"restartCount":0}]}}`, ip, restarts, i)
	_, err := client.CoreV1().Pods(namespace).Patch(ctx, fmt.Sprintf("pod-%d", i), "application/merge-patch+json", []byte(patch), metav1.PatchOptions{}, "status")
	return err
}

func podIP(i int) string { return fmt.Sprintf("10.78.%d.%d", i/250, i%250+1) }

// unmake deletes what make created.
func unmake(ctx context.Context, client kubernetes.Interface) error {
	now := int64(0)
	o := metav1.DeleteOptions{GracePeriodSeconds: &now}
	_ = client.CoreV1().Pods(namespace).DeleteCollection(ctx, o, metav1.ListOptions{})
	_ = client.CoreV1().Namespaces().Delete(ctx, namespace, o)
	_ = client.CoreV1().Nodes().Delete(ctx, ownNode, o)
	for i := range nodes {
		_ = client.CoreV1().Nodes().Delete(ctx, fmt.Sprintf(otherNode, i), o)
	}
	return nil
}

// inParallel calls do for 0 … n-1, some at a time, until one fails.
func inParallel(n int, do func(int) error) error {
	const workers = 16
	next, failed := make(chan int), make(chan error, workers)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var err error
	for i := 0; i < n && err == nil; i++ {
		select {
		case next <- i:
		case err = <-failed:
		}
	}
	close(next)
	all.Wait()
	return err
}
