package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// The lifecycle rules of docs/S3.md are sent as it says.
func TestLifecycleRulesOfDocument(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts another program, which takes its time")
	}
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("there is no aws")
	}
	got := ""
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got += r.Method + " " + r.URL.String() + "\n" + string(body)
	}))
	t.Cleanup(server.Close)
	m := newMachine(t, s3Server{endpoint: server.URL})
	const document = "../../docs/S3.md"
	for _, rules := range blocks(t, document, "json") {
		if strings.HasPrefix(rules, `{"Rules"`) {
			m.write("/lifecycle.json", rules)
		}
	}
	m.environ = []string{"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_DEFAULT_REGION=us-ord-1"}
	for _, script := range blocks(t, document, "sh") {
		m.types(m.root, script)
	}
	for _, want := range []string{
		"PUT /sports-json-logs-all?lifecycle\n", "<DaysAfterInitiation>7</DaysAfterInitiation>", "<Prefix>all_api_rotating_logs/rotatelog-probe-</Prefix>",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("it is sent without %s:\n%s", want, got)
		}
	}
}

// printedFile is a file that doctor --bucket prints, and awsCommand a command that takes it.
var (
	printedFile = regexp.MustCompile(`(?ms)^(\w+\.json).*?\n(\{\n.*?^\})$`)
	awsCommand  = regexp.MustCompile(`(?m)^aws (?:[^\n]*\\\n)*[^\n]*$`)
)

// The commands for aws that doctor --bucket prints, with the files that they name, are what
// aws takes and sends.
func TestAWSTakesWhatDoctorPrints(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts another program, which takes its time")
	}
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("there is no aws")
	}
	var mu sync.Mutex
	var sent []string // under mu
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		what := r.URL.RawQuery
		if action := r.FormValue("Action"); action != "" { // of IAM
			what = action
			fmt.Fprintf(w, "<%sResponse><%[1]sResult/></%[1]sResponse>", action)
		}
		sent = append(sent, what)
	}))
	t.Cleanup(server.Close)
	for printed, want := range map[string]string{
		"bucket-amazon": "CreateUser PutUserPolicy CreateAccessKey lifecycle logging",
		"bucket-ceph":   "policy lifecycle",
		"bucket-linode": "lifecycle",
	} {
		text, err := os.ReadFile(filepath.Join("testdata", printed+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		m := newMachine(t, s3Server{})
		m.environ = []string{"AWS_DEFAULT_REGION=us-east-2", "AWS_ENDPOINT_URL=" + server.URL, "AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey}
		for _, file := range printedFile.FindAllSubmatch(text, -1) {
			m.write("/"+string(file[1]), string(file[2]))
		}
		for _, command := range awsCommand.FindAllString(string(text), -1) {
			m.types(m.root, regexp.MustCompile(`--endpoint-url \S+`).ReplaceAllString(command, "--endpoint-url "+server.URL))
		}
		mu.Lock()
		if got := strings.Join(sent, " "); got != want {
			t.Errorf("%s: sent is %s, want %s", printed, got, want)
		}
		sent = nil
		mu.Unlock()
	}
}
