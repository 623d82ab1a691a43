package oci

import (
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
)

func TestSetImage(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	tests := []struct {
		name              string
		refs              []string
		image, id, digest string
	}{
		{"a name", []string{"docker.io/library/nginx:1"}, "docker.io/library/nginx:1", "", ""},
		{"an id", []string{"sha256:" + a}, "", a, ""},
		{"a bare id", []string{a}, "", a, ""},
		{"a digest", []string{"quay.io/x@sha256:" + b}, "quay.io/x@sha256:" + b, "", "sha256:" + b},
		{"a name, then its digest", []string{"quay.io/x:1", "quay.io/x@sha256:" + b}, "quay.io/x:1", "", "sha256:" + b},
		{"a digest, then a name", []string{"quay.io/x@sha256:" + b, "quay.io/x:1"}, "quay.io/x:1", "", "sha256:" + b},
		{"both", []string{"quay.io/x:1@sha256:" + b}, "quay.io/x:1@sha256:" + b, "", "sha256:" + b},
		{"nothing", []string{""}, "", "", ""},
		{"no digest", []string{"x@sha256:12"}, "x@sha256:12", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var i event.ContainerInfo
			for _, ref := range tt.refs {
				SetImage(&i, ref)
			}
			if i.Image != tt.image || i.ImageID != tt.id || i.ImageDigest != tt.digest {
				t.Errorf("image %q, id %q, digest %q", i.Image, i.ImageID, i.ImageDigest)
			}
		})
	}
}

func TestQualify(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"nginx", "docker.io/library/nginx:latest"},
		{"nginx:1.25", "docker.io/library/nginx:1.25"},
		{"shop/app", "docker.io/shop/app:latest"},
		{"quay.io/shop/app:2", "quay.io/shop/app:2"},
		{"localhost/app:2", "localhost/app:2"},
		{"registry:5000/app", "registry:5000/app:latest"},
		{"registry:5000/app@sha256:ab", "registry:5000/app@sha256:ab"},
	}
	for _, tt := range tests {
		if got := Qualify(tt.in); got != tt.want {
			t.Errorf("Qualify(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
