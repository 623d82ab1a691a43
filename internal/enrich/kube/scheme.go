package kube

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// Requests in a second, and at once. The start of a node with 250 pods of as many
// workloads takes some 500 requests for owners, each once: the first of them, which are
// those of containers that run already, must not wait for longer than events do. Peers
// have a rate of their own: who scans a network must not hold up the owners of pods.
const (
	ownerRate, ownerBurst = 20, 200
	peerRate, peerBurst   = 10, 40
)

// clients ask the API server, each at its own rate.
type clients struct {
	core, peers rest.Interface
	meta        metadata.Interface
}

// newClients makes clients of the core API and of mere metadata. The clientset of
// client-go is not used: it registers the types of all API groups, which costs more
// memory than all else here.
func newClients(config *rest.Config) (c clients, err error) {
	scheme := runtime.NewScheme()
	utilruntime.Must(corev1.AddToScheme(scheme))
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	core := rest.CopyConfig(config)
	core.QPS, core.Burst, core.UserAgent = ownerRate, ownerBurst, rest.DefaultKubernetesUserAgent()
	if c.meta, err = metadata.NewForConfig(metadata.ConfigFor(core)); err != nil {
		return c, fmt.Errorf("make a client of metadata: %w", err)
	}
	core.GroupVersion = &corev1.SchemeGroupVersion
	core.APIPath = "/api"
	core.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	core.ContentType = runtime.ContentTypeProtobuf
	core.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	if c.core, err = rest.RESTClientFor(core); err != nil {
		return c, fmt.Errorf("make a client of the core API: %w", err)
	}
	core.QPS, core.Burst = peerRate, peerBurst
	if c.peers, err = rest.RESTClientFor(core); err != nil {
		return c, fmt.Errorf("make a client of the core API: %w", err)
	}
	return c, nil
}
