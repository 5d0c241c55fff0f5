package main

import (
	"net/url"
	"strings"
)

// provider is who runs a bucket.
type provider struct {
	name     string
	steps    []string // of setting it up
	policies bool     // keys have policies
	prices   *prices  // nil if they are not known
}

// prices are those of a list, in dollars, as of 2025.
type prices struct {
	least    float64 // a month
	included float64 // gigabytes, for that
	gigabyte float64 // a month, for each more
	put, get float64 // for a thousand requests
}

// providerOf returns who runs an endpoint, as far as its name says.
func providerOf(endpoint string) provider {
	host := ""
	if u, err := url.Parse(endpoint); err == nil {
		host = u.Hostname()
	}
	for domain, p := range providers() {
		if strings.HasSuffix(host, domain) {
			return p
		}
	}
	return provider{name: "S3 server", policies: true, steps: []string{
		"Make the bucket BUCKET, with versioning off.",
		"Make a key that may do no more than the policy below says.",
	}}
}

func providers() map[string]provider {
	const ofVersions = ", with versioning off."
	return map[string]provider{
		".linodeobjects.com": {name: "Linode Object Storage", prices: &prices{least: 5, included: 250, gigabyte: 0.02}, steps: []string{
			"In Cloud Manager, Object Storage, create the bucket BUCKET" + ofVersions,
			"Access Keys, Create Access Key, Limited Access: Read/Write for BUCKET, None for all others. Keys cannot be narrower: " +
				"a bucket policy sees all keys of an account as one user.",
		}},
		".amazonaws.com": {name: "Amazon S3", policies: true, prices: &prices{gigabyte: 0.023, put: 0.005, get: 0.0004}, steps: []string{
			"Create the bucket BUCKET" + ofVersions + " Block all public access.",
			"In IAM, create a user for this machine alone, with the policy below, and an access key for it.",
		}},
		".r2.cloudflarestorage.com": {name: "Cloudflare R2", prices: &prices{included: 10, gigabyte: 0.015, put: 0.0045, get: 0.00036}, steps: []string{
			"Create the bucket BUCKET.",
			"Manage R2 API Tokens, Create API Token: Object Read & Write, for BUCKET only.",
		}},
		".backblazeb2.com": {name: "Backblaze B2", prices: &prices{included: 10, gigabyte: 0.006}, steps: []string{
			"Create the bucket BUCKET, private. It keeps versions: let its lifecycle keep only the last version.",
			"Application Keys, Add a New Application Key: Read and Write, for BUCKET only.",
		}},
	}
}
