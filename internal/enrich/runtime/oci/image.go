package oci

import (
	"maps"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

const sha = "sha256:"

// SetImage takes what a runtime calls an image: a name, a name with a digest, or
// its id with or without "sha256:". Runtimes use one field for all of them.
func SetImage(i *event.ContainerInfo, ref string) {
	ref = Text(ref)
	if id := strings.TrimPrefix(ref, sha); isDigest(id) {
		i.ImageID = id
		return
	}
	name, digest, ok := strings.Cut(ref, "@")
	if ok && isDigest(strings.TrimPrefix(digest, sha)) {
		i.ImageDigest = digest
		if i.Image != "" {
			return // the name was known, and maybe with its tag
		}
	}
	if name != "" {
		i.Image = ref
	}
}

// Qualify writes an image's name in full, as containerd does: "nginx" is
// docker.io/library/nginx:latest. It leaves alone what has a registry.
func Qualify(name string) string {
	if name == "" {
		return ""
	}
	domain, _, path := strings.Cut(name, "/")
	switch {
	case !path:
		name = "docker.io/library/" + name
	case !strings.ContainsAny(domain, ".:") && domain != "localhost":
		name = "docker.io/" + name
	}
	if strings.ContainsRune(name, '@') || strings.LastIndexByte(name, ':') > strings.LastIndexByte(name, '/') {
		return name
	}
	return name + ":latest"
}

// PodLabels returns a pod's labels out of those of its sandbox, to which the
// kubelet, CRI-O and cri-dockerd add some.
func PodLabels(all map[string]string) map[string]string {
	if len(all) == 0 {
		return nil
	}
	all = maps.Clone(all)
	for _, added := range []string{"name", "namespace", "uid"} {
		delete(all, podLabel+added)
	}
	delete(all, nameLabel)
	delete(all, "io.kubernetes.docker.type")
	return Labels(all)
}

func isDigest(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// Digest picks the digest by which an image of that name was pulled: the one of the
// same repository, or the first.
func Digest(name string, digests []string) string {
	repository, _, _ := strings.Cut(name, "@")
	if at := strings.LastIndexByte(repository, ':'); at > strings.LastIndexByte(repository, '/') {
		repository = repository[:at]
	}
	best := ""
	for _, d := range digests {
		of, digest, ok := strings.Cut(d, "@")
		if !ok || !isDigest(strings.TrimPrefix(digest, sha)) {
			continue
		}
		if of == repository {
			return digest
		}
		if best == "" {
			best = digest
		}
	}
	return best
}
