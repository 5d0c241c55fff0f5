package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
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
