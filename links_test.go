package rotatelog_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestPackagesLinkNoMoreThanTheyNeed: a program that imports only the root links no SDK.
func TestPackagesLinkNoMoreThanTheyNeed(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command")
	}
	root := []string{"github.com/cespare/xxhash/v2", "github.com/go-json-experiment/json", "github.com/klauspost/compress"}
	for pkg, want := range map[string][]string{
		".":           root,
		"./archive":   root,
		"./health":    root,
		"./dirstore":  root,
		"./clocktest": nil,
		"./storetest": root,
		"./s3store":   append(slices.Clip(root), "github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"),
	} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", pkg).Output()
		if err != nil {
			t.Fatalf("go list %s: %v", pkg, err)
		}
		var linked []string
		for module := range strings.FieldsSeq(string(out)) {
			if strings.HasPrefix(module, "github.com/aws/aws-sdk-go-v2/") { // the SDK is many modules
				module = "github.com/aws/aws-sdk-go-v2"
			}
			linked = append(linked, module)
		}
		slices.Sort(linked)
		slices.Sort(want)
		if linked = slices.Compact(linked); !slices.Equal(linked, want) {
			t.Errorf("%s links %q, want %q", pkg, linked, want)
		}
	}
}
