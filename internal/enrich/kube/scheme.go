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

// Requests in a second, and at once: the start of a node with 250 pods of as many
// workloads takes some 500 requests, each once.
const (
	queriesPerSecond = 20
	burst            = 50
)

// newClients makes the client of the core API and that of mere metadata. The clientset
// of client-go is not used: it registers the types of all API groups, which costs more
// memory than all else here.
func newClients(config *rest.Config) (rest.Interface, metadata.Interface, error) {
	scheme := runtime.NewScheme()
	utilruntime.Must(corev1.AddToScheme(scheme))
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	c := rest.CopyConfig(config)
	c.QPS, c.Burst = queriesPerSecond, burst
	c.UserAgent = rest.DefaultKubernetesUserAgent()

	core := rest.CopyConfig(c)
	core.GroupVersion = &corev1.SchemeGroupVersion
	core.APIPath = "/api"
	core.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	core.ContentType = runtime.ContentTypeProtobuf
	core.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	client, err := rest.RESTClientFor(core)
	if err != nil {
		return nil, nil, fmt.Errorf("make a client of the core API: %w", err)
	}
	meta, err := metadata.NewForConfig(metadata.ConfigFor(c))
	if err != nil {
		return nil, nil, fmt.Errorf("make a client of metadata: %w", err)
	}
	return client, meta, nil
}
