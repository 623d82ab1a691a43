package peer

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/goshawk-security/goshawk/internal/enrich/runtime/oci"
	"github.com/goshawk-security/goshawk/internal/event"
)

// verbose is what containerd and CRI-O add to a status when asked to: no part of
// CRI, but the same for years. containerd gives the configuration that the kubelet
// gave it, CRI-O says privileged; both give the specification.
type verbose struct {
	SandboxID  string `json:"sandboxID"`
	Privileged *bool  `json:"privileged"`
	Image      string `json:"image"` // of a sandbox
	Config     *struct {
		Image struct {
			Asked string `json:"user_specified_image"`
		} `json:"image"`
		Linux struct {
			Security struct {
				Privileged bool `json:"privileged"`
				User       *struct {
					Value int64 `json:"value"`
				} `json:"run_as_user"`
				Username string `json:"run_as_username"`
			} `json:"security_context"`
		} `json:"linux"`
	} `json:"config"`
	Spec      json.RawMessage `json:"runtimeSpec"`
	CNIResult json.RawMessage `json:"cniResult"`

	spec *oci.Spec // nil if there is none, or not one that can be read
}

// parseVerbose reads what it can. What is not there or not as expected is left out.
func parseVerbose(id, text string) *verbose {
	v := &verbose{}
	if text == "" {
		return v
	}
	// A part of another type than expected leaves the others as they are.
	if err := json.Unmarshal([]byte(text), v); err != nil {
		var typed *json.UnmarshalTypeError
		if !errors.As(err, &typed) {
			return &verbose{}
		}
	}
	if len(v.Spec) > 0 {
		if spec, err := oci.Parse(id, v.Spec); err == nil {
			v.spec = spec
		}
	}
	v.Spec = nil
	return v
}

// said starts an answer with what only the verbose part tells.
func (v *verbose) said() *Said {
	s := &Said{}
	if v.spec != nil {
		s.Info, s.Privileged = v.spec.Info, true
	}
	if v.Privileged != nil {
		s.Info.Privileged, s.Privileged = *v.Privileged, true
	}
	if c := v.Config; c != nil {
		sec := &c.Linux.Security
		s.Info.Privileged, s.Privileged = sec.Privileged, true
		switch {
		case sec.Username != "":
			s.Info.User = oci.Name(sec.Username)
		case sec.User != nil && v.spec == nil: // the specification has the group as well
			s.Info.User = strconv.FormatInt(sec.User.Value, 10)
		}
	}
	return s
}

func (v *verbose) sandbox() string {
	if v.SandboxID == "" && v.spec != nil {
		return v.spec.Info.SandboxID
	}
	return oci.Name(v.SandboxID)
}

// cni returns the result of the network plugin: containerd's beside, CRI-O's as an
// annotation of the specification.
func (v *verbose) cni() string {
	if len(v.CNIResult) > 0 && string(v.CNIResult) != "null" {
		return oci.CNI(string(v.CNIResult))
	}
	if v.spec != nil {
		return v.spec.Info.CNIResult
	}
	return ""
}

// image says which image a container has. Its status may have only one of name, id
// and digest; the image service has them all.
func (p *CRI) image(ctx context.Context, i *event.ContainerInfo, st *cri.ContainerStatus, v *verbose) error {
	i.Image, i.ImageID, i.ImageDigest = "", "", ""
	oci.SetImage(i, st.GetImageId())
	oci.SetImage(i, st.GetImageRef())
	oci.SetImage(i, st.GetImage().GetImage())
	if i.ImageID == "" || i.ImageDigest == "" || i.Image == "" {
		img, err := p.imageStatus(ctx, st.GetImageRef())
		if err != nil {
			return err
		}
		if oci.SetImage(i, img.GetId()); i.Image == "" && len(img.GetRepoTags()) > 0 {
			oci.SetImage(i, img.GetRepoTags()[0])
		}
		if i.ImageDigest == "" {
			i.ImageDigest = oci.Digest(i.Image, img.GetRepoDigests())
		}
	}
	// An image may have many names: what the pod asked for is known to containerd,
	// but not with its registry. CRI-O looks for one by rules of its own.
	asked := st.GetImage().GetUserSpecifiedImage()
	if asked == "" && v.Config != nil {
		asked = v.Config.Image.Asked
	}
	if asked != "" && v.Config != nil {
		i.Image = oci.Qualify(oci.Text(asked))
	}
	return nil
}

// imageStatus asks for an image, unless it is remembered. Only silence is an error:
// a container can live longer than its image.
func (p *CRI) imageStatus(ctx context.Context, ref string) (*cri.Image, error) {
	if ref == "" {
		return nil, nil
	}
	if img, ok := p.names.Get(ref); ok {
		return img, nil
	}
	r, err := p.images.ImageStatus(ctx, &cri.ImageStatusRequest{Image: &cri.ImageSpec{Image: ref}})
	if err != nil {
		if err = meaning(err); isSilent(err) {
			return nil, err
		}
		return nil, nil
	}
	img := r.GetImage()
	if img == nil {
		return nil, nil
	}
	img = &cri.Image{
		Id:          oci.Name(img.GetId()),
		RepoTags:    some(img.GetRepoTags()),
		RepoDigests: some(img.GetRepoDigests()),
	}
	p.names.Put(ref, img)
	return img, nil
}

// some bounds the names of an image.
func some(all []string) []string {
	var kept []string
	for _, s := range all[:min(len(all), 16)] {
		kept = append(kept, oci.Name(s))
	}
	return kept
}

func criMounts(all []*cri.Mount) []event.Mount {
	var kept []event.Mount
	for _, m := range all[:min(len(all), 4096)] {
		kept = append(kept, event.Mount{
			Source:      m.GetHostPath(),
			Destination: m.GetContainerPath(),
			Writable:    !m.GetReadonly(),
			Propagation: propagation(m.GetPropagation()),
		})
	}
	return oci.Mounts(kept)
}

// propagation names what CRI means as mount options do.
func propagation(p cri.MountPropagation) string {
	switch p {
	case cri.MountPropagation_PROPAGATION_HOST_TO_CONTAINER:
		return "rslave"
	case cri.MountPropagation_PROPAGATION_BIDIRECTIONAL:
		return "rshared"
	}
	return "rprivate"
}

func isUnknown(err error) bool { return errors.Is(err, ErrUnknown) }
func isSilent(err error) bool  { return errors.Is(err, ErrSilent) }
