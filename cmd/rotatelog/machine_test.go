package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// machine is where commands of the documents are run as they stand there. Only names are
// replaced: those of hosts by addresses of this machine, the key by one that works, and
// places of which a machine has one by places below a directory.
type machine struct {
	t     *testing.T
	root  string // directory of the machine's places
	names *strings.Replacer

	mu     sync.Mutex
	answer func(http.ResponseWriter) // of the API, under mu

	environ []string // variables that were exported
	caches  []string // of go, which would be in the home
}

func newMachine(t *testing.T, s s3Server) *machine {
	t.Helper()
	for _, program := range []string{"sh", "curl", "go"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s", program)
		}
	}
	m := &machine{t: t, root: t.TempDir()}
	m.answer = func(w http.ResponseWriter) { fmt.Fprint(w, `{"live_matches":{"results":[{"id":1},{"id":2}]}}`) }
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.answer(w)
	}))
	t.Cleanup(api.Close)
	names := []string{
		"https://api.example", api.URL, "https://us-ord-1.linodeobjects.com", s.endpoint,
		"YOUR-ACCESS-KEY", s.accessKey, "YOUR-SECRET-KEY", s.secretKey,
	}
	for _, place := range []string{"/etc/rotatelog", "/var/lib/rotatelog", "/var/log/rotatelog.log", "/usr/local/bin/rotatelog"} {
		names = append(names, place, m.root+place)
		m.mkdir(filepath.Dir(place))
	}
	m.names = strings.NewReplacer(names...)
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		value, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		m.caches = append(m.caches, name+"="+strings.TrimSpace(string(value)))
	}
	m.mkdir("/root/.config") // the home of root
	if err := os.Symlink(m.root+"/etc/rotatelog", m.root+"/root/.config/rotatelog"); err != nil {
		t.Fatal(err)
	}
	return m
}

// answerWith sets what the API answers.
func (m *machine) answerWith(answer func(http.ResponseWriter)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answer = answer
}

// install puts the command and its settings on the machine, with a directory as the store.
func (m *machine) install() {
	m.t.Helper()
	m.mkdir("/etc/rotatelog")
	m.write("/etc/rotatelog/env", "ROTATELOG_DIR="+m.root+"/var/lib/rotatelog\nROTATELOG_STORE=file://"+m.root+"/srv/store\n")
	m.write("/usr/local/bin/rotatelog", "#!/bin/sh\nROTATELOG_TEST_PROCESS=run exec "+os.Args[0]+` "$@"`+"\n")
}

// write writes a file that can be run, of mode 0700.
func (m *machine) write(path, text string) {
	m.t.Helper()
	if err := os.WriteFile(m.root+path, []byte(text), 0o700); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) mkdir(path string) {
	m.t.Helper()
	if err := os.MkdirAll(m.root+path, 0o700); err != nil {
		m.t.Fatal(err)
	}
}

// types types a script in a directory, and returns what is printed.
func (m *machine) types(dir, script string) string {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), "sh", "-euc", m.names.Replace(script))
	cmd.Dir = dir
	cmd.Env = append(slices.Clone(m.environ), "HOME="+m.root+"/root", "PATH="+m.root+"/usr/local/bin:"+os.Getenv("PATH"))
	cmd.Env = append(cmd.Env, m.caches...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// cron runs a line of a crontab as cron does, and returns what would be mailed.
func (m *machine) cron(line string) string {
	m.t.Helper()
	out, _ := m.underCron(line).CombinedOutput() // how it ends is nothing to cron
	return string(out)
}

// underCron returns the command of a line of a crontab, as cron runs it.
func (m *machine) underCron(line string) *exec.Cmd {
	m.t.Helper()
	command := cronLine.FindStringSubmatch(line)
	if command == nil {
		m.t.Fatalf("this is no line of a crontab: %s", line)
	}
	return exec.CommandContext(m.t.Context(), "env", "-i", "HOME="+m.root+"/root", "LOGNAME=root", "SHELL=/bin/sh", "PATH=/usr/bin:/bin",
		"sh", "-c", strings.ReplaceAll(m.names.Replace(command[2]), `\%`, "%"))
}

// pageAddress is where serve says that the page is.
var pageAddress = regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)

// serves wants the command of a line of a crontab to serve the page, until it is interrupted.
func (m *machine) serves(line string) {
	m.t.Helper()
	cmd := m.underCron(strings.Replace(line, "@reboot ", "@reboot exec ", 1)) // so that the shell is not in between
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	address := ""
	for said := bufio.NewScanner(out); address == "" && said.Scan(); {
		address = pageAddress.FindString(said.Text())
	}
	page, err := http.Get(address)
	if err != nil || page.StatusCode != http.StatusOK {
		m.t.Errorf("%s: %v, %v", line, page, err)
	} else {
		page.Body.Close()
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		m.t.Error(err)
	}
	if cmd.Wait(); cmd.ProcessState.ExitCode() != codeInterrupted {
		m.t.Errorf("%s: it ended as %v", line, cmd.ProcessState)
	}
}

// fence is a block of code in a document.
var fence = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")

// blocks returns the blocks of a document in some languages, in order.
func blocks(t *testing.T, document string, languages ...string) (code []string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		if slices.Contains(languages, m[1]) {
			code = append(code, m[2])
		}
	}
	return code
}
