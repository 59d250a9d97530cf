package main

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
)

// Everything that a release links may be linked and given away.
func TestEveryModuleHasAKnownLicence(t *testing.T) {
	t.Chdir("../..")
	modules, err := linkedModules()
	if err != nil {
		t.Fatal(err)
	}
	// the last one on Windows
	for _, want := range []string{
		"Go", "github.com/aws/aws-sdk-go-v2/service/s3", "github.com/spf13/cobra", "github.com/inconshreveable/mousetrap",
	} {
		if !slices.ContainsFunc(modules, func(m linkedModule) bool { return m.path == want }) {
			t.Errorf("%s is not among the %d modules", want, len(modules))
		}
	}
	notices, err := thirdPartyNotices()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		if n := strings.Count(string(notices), "\n"+m.path+"\n"); n != len(m.files) {
			t.Errorf("%s: %d texts are in the notices, want %d", m.path, n, len(m.files))
		}
	}
}

func TestLicenceOf(t *testing.T) {
	for text, want := range map[string]string{
		"                                 Apache License\n                           Version 2.0, January 2004\n":     "Apache-2.0",
		"Permission is hereby granted, free of charge, to any person\n…\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT": "MIT",
		"Redistribution and use in source and binary forms, with or\n" +
			"without modification, are permitted": "BSD-2-Clause",
		"Redistribution and use in source and binary forms\n…\n" +
			"may be used to endorse or promote products": "BSD-3-Clause",
		"Permission to use, copy, modify, and/or distribute this software for any purpose":                                    "ISC",
		"Zero-Clause BSD\n=============\n\nPermission to use, copy, modify, and/or distribute this software for\nany purpose": "0BSD",
		"GNU GENERAL PUBLIC LICENSE\nVersion 3": "",
		"Mozilla Public License Version 2.0":    "",
		"All rights reserved.":                  "",
	} {
		if got := licenceOf(text); got != want {
			t.Errorf("%.40q: got %q, want %q", text, got, want)
		}
	}
}

// An archive is the same for the same program, and what is in it can be run.
func TestArchivesAreReproducible(t *testing.T) {
	first, err := archived([]byte("program"))
	if err != nil {
		t.Fatal(err)
	}
	if second, err := archived([]byte("program")); err != nil || !bytes.Equal(first, second) {
		t.Errorf("a second archive differs: %v", err)
	}
	r, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != 1 || r.File[0].Name != "bootstrap" || r.File[0].Mode().Perm() != 0o755 {
		t.Fatalf("got %+v", r.File)
	}
	f, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if content, err := io.ReadAll(f); err != nil || string(content) != "program" {
		t.Errorf("got %q, %v", content, err)
	}
}
