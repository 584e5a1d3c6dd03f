// Command compose-check loads a compose file as `docker compose` does, with the same library, and prints the resolved
// project as JSON. It ends with 1 and one sentence where `docker compose` would refuse the file.
//
//	compose-check -file docker-compose.yml -env .env [-profile NAME]…
//
// The environment of the process is left out: only the file of -env counts, so that a check means the same everywhere.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

type names []string

func (n *names) String() string         { return strings.Join(*n, ",") }
func (n *names) Set(value string) error { *n = append(*n, value); return nil }

func main() {
	file := flag.String("file", "docker-compose.yml", "compose file")
	env := flag.String("env", ".env", "file with the variables")
	var profiles names
	flag.Var(&profiles, "profile", "profile to enable, repeatable")
	flag.Parse()
	text, err := resolve(*file, *env, profiles)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(string(text))
}

func resolve(file, env string, profiles []string) ([]byte, error) {
	project, err := load(file, env, profiles)
	if err != nil {
		return nil, err
	}
	return project.MarshalJSON()
}

func load(file, env string, profiles []string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{file},
		cli.WithEnvFiles(env), cli.WithDotEnv, cli.WithProfiles(profiles), cli.WithResolvedPaths(true))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}
