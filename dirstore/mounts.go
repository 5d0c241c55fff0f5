package dirstore

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// notMounted returns the directory, dir or one above it, at which a file system
// should be mounted and is not. It returns "" if there is none, or if the system
// does not say what is mounted.
func notMounted(dir string) string {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	table, err := os.ReadFile("/etc/fstab")
	if err != nil {
		return ""
	}
	// dir itself may not have been made yet.
	above, err := filepath.EvalSymlinks(filepath.Dir(dir))
	if err != nil {
		return ""
	}
	path := filepath.Join(above, filepath.Base(dir))
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return missingMount(path, string(table), string(mounts))
}

// missingMount is notMounted for the contents of /etc/fstab and of
// /proc/self/mountinfo.
func missingMount(dir, fstab, mountinfo string) string {
	mounted := map[string]bool{}
	for line := range strings.Lines(mountinfo) {
		if f := strings.Fields(line); len(f) > 4 {
			mounted[unescapeMount(f[4])] = true
		}
	}
	for line := range strings.Lines(fstab) {
		f := strings.Fields(line)
		if len(f) < 4 || strings.HasPrefix(f[0], "#") || hasOption(f[3], "noauto") {
			continue
		}
		point := filepath.Clean(unescapeMount(f[1]))
		if filepath.IsAbs(point) && point != "/" && !mounted[point] && (dir == point || strings.HasPrefix(dir, point+"/")) {
			return point
		}
	}
	return ""
}

func hasOption(options, name string) bool {
	for option := range strings.SplitSeq(options, ",") {
		if option == name {
			return true
		}
	}
	return false
}

// unescapeMount decodes the octal escapes, such as \040 for a space, of a path in
// a table of mounts.
func unescapeMount(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
