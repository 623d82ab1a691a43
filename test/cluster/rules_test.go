//go:build cluster

package cluster

// rules are the tests' own. A program that is to be seen is /bin/true with the word
// goshawk-test and one that names the test; kubectl, which starts it, has them too.
const rules = `
- macro: test_program
  condition: evt.type in (execve, execveat) and proc.name = true and proc.args contains goshawk-test

- rule: Test program
  desc: A program of a test was started.
  condition: test_program
  output: "%proc.cmdline in %container.name of %k8s.ns.name/%k8s.pod.name, image %container.image.repository"
  priority: WARNING

- rule: Test team
  desc: A program of a test was started in a pod with a label; the answer hangs on the API server.
  condition: test_program and k8s.pod.label[team] = red
  output: "%proc.cmdline in %k8s.deployment.name"
  priority: WARNING

- rule: Test other team
  desc: The same for pods without it. It must not fire because the label is not known yet.
  condition: test_program and not k8s.pod.label[team] = red and k8s.ns.name startswith team-
  output: "%proc.cmdline in %k8s.ns.name/%k8s.pod.name"
  priority: WARNING

- rule: Test connection out
  desc: A program of a test connected.
  condition: evt.type = connect and fd.sport in (7777, 443) and proc.args contains goshawk-test
  output: "%proc.cmdline to %k8s.peer.type %k8s.peer.ns.name/%k8s.peer.name"
  priority: WARNING

- rule: Test connection in
  desc: A server of a test was connected to.
  condition: evt.type in (accept, accept4) and fd.sport = 7777
  output: "%proc.cmdline from %k8s.peer.type %k8s.peer.ns.name/%k8s.peer.name"
  priority: WARNING
`
