//go:build linux || darwin

package alert

import (
	"os/exec"
	"syscall"
)

// endTogether has the end of a command that takes too long be that of all it has started.
func endTogether(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
