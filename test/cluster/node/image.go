package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// toolsFile is one program under many names: links, so that the image stays small.
const toolsFile = "FROM scratch\nCOPY tools /\nCMD [\"/bin/sleep\", \"1000000\"]\n"

// tools are the names of busybox in the image.
var tools = strings.Fields("sh ash cat chmod cp date echo env false grep head hostname httpd id kill ln ls mkdir mv nc nslookup ps rm sed seq sleep tail test touch tr true wc wget")

// makeImages makes localhost/pause:1, for sandboxes, and localhost/tools:1, a busybox and ask.
func (n *Node) makeImages(ctx context.Context) error {
	dir := filepath.Join(n.Dir, "image")
	if err := write(dir, map[string]string{
		"pause.dockerfile": "FROM scratch\nCOPY pause /pause\nENTRYPOINT [\"/pause\"]\n",
		"tools.dockerfile": toolsFile,
		"tools/etc/passwd": "root:x:0:0:root:/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n",
		"tools/etc/group":  "root:x:0:\napp:x:1000:\n",
		"tools/etc/shadow": "root:*:19000:0:99999:7:::\n",
		"tools/tmp/keep":   "",
	}); err != nil {
		return err
	}
	for program, out := range map[string]string{"pause": "pause", "ask": "tools/bin/ask"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, out), ".")
		cmd.Dir, cmd.Env = source(program), append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", program, err, text)
		}
	}
	if err := linkTools(filepath.Join(dir, "tools/bin")); err != nil {
		return err
	}
	for _, name := range []string{"pause", "tools"} {
		if err := n.Image(ctx, "localhost/"+name+":1", filepath.Join(dir, name+".dockerfile"), dir); err != nil {
			return err
		}
	}
	return nil
}

// linkTools fills a directory with busybox and its names.
func linkTools(bin string) error {
	busybox, err := os.ReadFile("/usr/bin/busybox")
	if err != nil {
		return fmt.Errorf("busybox-static is missing: %w", err)
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(bin, "busybox"), busybox, 0o755); err != nil {
		return err
	}
	for _, name := range tools {
		if err := os.Symlink("busybox", filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	return nil
}

// write writes files below a directory.
func write(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Image builds an image from a Dockerfile and gives it to the runtime.
func (n *Node) Image(ctx context.Context, name, dockerfile, dir string, args ...string) error {
	store := filepath.Join(n.Dir, "buildah")
	archive := filepath.Join(n.Dir, "image", filepath.Base(dockerfile)+".tar")
	_ = os.Remove(archive)
	build := append([]string{"--root", store + "/root", "--runroot", store + "/run", "bud", "--isolation", "chroot", "-t", name, "-f", dockerfile}, args...)
	for _, step := range [][]string{
		append(build, dir),
		{"--root", store + "/root", "--runroot", store + "/run", "push", name, "docker-archive:" + archive + ":" + name},
	} {
		cmd := exec.CommandContext(ctx, "buildah", step...)
		cmd.Env = append(os.Environ(), "STORAGE_DRIVER=vfs")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("buildah %s: %w\n%s", step[4], err, out)
		}
	}
	if err := n.Import(ctx, archive); err != nil {
		return err
	}
	return n.addDigest(ctx, name)
}

// addDigest gives an image the name that one from a registry has beside its own: without
// a tag, with the digest.
func (n *Node) addDigest(ctx context.Context, name string) error {
	list, err := n.ctr(ctx, "images", "list", "name=="+name)
	if err != nil {
		return err
	}
	for line := range strings.Lines(list) {
		repository, _, _ := strings.Cut(name, ":")
		if f := strings.Fields(line); len(f) > 2 && f[0] == name {
			_, err := n.ctr(ctx, "images", "tag", "--force", name, repository+"@"+f[2])
			return err
		}
	}
	return fmt.Errorf("image %s is not there after its import", name)
}

// Import gives an archive of images to the runtime.
func (n *Node) Import(ctx context.Context, archive string) error {
	_, err := n.ctr(ctx, "images", "import", archive)
	return err
}
