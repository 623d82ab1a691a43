package users

import (
	"bytes"
	"strconv"

	"github.com/goshawk-security/goshawk/internal/event"
)

// What is kept of one file at most.
const (
	maxEntries = 65536
	maxName    = 256  // of a user or group
	maxPath    = 1024 // of a home or shell
)

// parsePasswd reads the lines name:password:uid:gid:gecos:home:shell. Lines that
// are none are left out; the first line of a uid counts, as for getpwuid.
func parsePasswd(data []byte) map[uint32]event.Account {
	users := map[uint32]event.Account{}
	for line := range bytes.Lines(data) {
		parts := bytes.SplitN(bytes.TrimRight(line, "\r\n"), []byte(":"), 8)
		if len(parts) < 4 {
			continue
		}
		uid, ok := idIn(parts[0], parts[2])
		if _, have := users[uid]; !ok || have {
			continue
		}
		a := event.Account{Name: string(parts[0])}
		if len(parts) > 5 && len(parts[5]) <= maxPath {
			a.Home = string(parts[5])
		}
		if len(parts) > 6 && len(parts[6]) <= maxPath {
			a.Shell = string(parts[6])
		}
		users[uid] = a
		if len(users) == maxEntries {
			break
		}
	}
	return users
}

// parseGroup reads the lines name:password:gid:members.
func parseGroup(data []byte) map[uint32]string {
	groups := map[uint32]string{}
	for line := range bytes.Lines(data) {
		parts := bytes.SplitN(bytes.TrimRight(line, "\r\n"), []byte(":"), 4)
		if len(parts) < 3 {
			continue
		}
		gid, ok := idIn(parts[0], parts[2])
		if _, have := groups[gid]; !ok || have {
			continue
		}
		groups[gid] = string(parts[0])
		if len(groups) == maxEntries {
			break
		}
	}
	return groups
}

// idIn reads the number of a line whose name can be used. Lines of NIS (+name)
// and comments have none.
func idIn(name, number []byte) (uint32, bool) {
	if len(name) == 0 || len(name) > maxName || name[0] == '+' || name[0] == '-' || name[0] == '#' {
		return 0, false
	}
	id, err := strconv.ParseUint(string(number), 10, 32)
	return uint32(id), err == nil
}
