# shellcheck shell=bash disable=SC2154
# Completion of "git migrate" for bash. git's own completion calls _git_migrate;
# it brings __git, __gitcomp, __gitcomp_nl and sets cur and prev. Installed as
# completions/git-migrate, where it is loaded when it is first needed.
# t/t6020-completion.t compares the options with what each command's -h shows.

__git_migrate_commands="status new apply log show fix diagnose rehearse drill audit sync report at init target plan schema check hook"

__git_migrate_targets()
{
	__git config --name-only --get-regexp '^migrate\..*\.url$' 2>/dev/null |
	sed -e 's/^migrate\.//' -e 's/\.url$//' | sort -u
}

# Paths of the migrations of HEAD: the fifth field, which has no blanks.
__git_migrate_migrations()
{
	__git migrate plan --porcelain 2>/dev/null | cut -d ' ' -f 5
}

# __git_migrate_options COMMAND: its options; "=" behind those with a value.
__git_migrate_options()
{
	case $1 in
	status)
		echo "--all --owed --at= --porcelain --json --exit-code"
		;;
	apply)
		echo "--dry-run --backup --check= --wait --to= --at= --push --porcelain --json"
		;;
	log)
		echo "--max-count= --reverse --target= --since= --until= --author=" \
			"--fixes --failed --graph --oneline --format= --porcelain --json"
		;;
	show)
		echo "--at= --json"
		;;
	fix)
		echo "--kind= --nth= --name= --target= --engine= --contract --scenario"
		;;
	diagnose)
		echo "--abandon --finished --reason= --porcelain --json"
		;;
	drill)
		echo "--engine= --on= --dir= --porcelain --json"
		;;
	rehearse)
		echo "--on= --template= --copy --at= --dry-run --json"
		;;
	audit)
		echo "--at= --offline --full --porcelain --json"
		;;
	sync)
		echo "--remote= --offline --push --at="
		;;
	report)
		echo "--output= --target= --since= --until= --at= --csv --json --markdown"
		;;
	at)
		echo "--target= --at= --json"
		;;
	init)
		echo "--target= --hooks= --no-hooks"
		;;
	target)
		echo "--porcelain --json --reason="
		;;
	plan)
		echo "--graph --since= --merge= --verify --porcelain --json"
		;;
	schema)
		echo "--hash --json"
		;;
	check)
		echo "--merge= --json"
		;;
	esac
}

# __git_migrate_value OPTION VALUE: completes a value; false where it takes none.
__git_migrate_value()
{
	case $1 in
	--at|--since|--merge)
		# of log it is a date
		__git_complete_refs --cur="$2"
		;;
	--to)
		__gitcomp_nl "$(__git_migrate_migrations)" "" "$2"
		;;
	--target)
		__gitcomp_nl "$(__git_migrate_targets)" "" "$2"
		;;
	--remote)
		__gitcomp_nl "$(__git_remotes)" "" "$2"
		;;
	--check)
		__gitcomp "quick full" "" "$2"
		;;
	--hooks)
		__gitcomp "client server none remove" "" "$2"
		;;
	--kind)
		__gitcomp "lossy-type required-column renamed dropped-early bad-constraint
			wrong-backfill slow-ddl" "" "$2"
		;;
	--engine)
		__gitcomp "sqlite postgresql" "" "$2"
		;;
	--max-count|--reason|--on|--until|--author|--format|--name|--template|-n)
		COMPREPLY=()
		;;
	*)
		return 1
		;;
	esac
}

# __git_migrate_argument COMMAND SUBCOMMAND: completes what is no option.
__git_migrate_argument()
{
	case $1,$2 in
	status,*|apply,*|audit,*|sync,*|schema,*|target,show|target,remove|target,restored|target,clone)
		__gitcomp_nl "$(__git_migrate_targets)"
		;;
	diagnose,|rehearse,)
		__gitcomp_nl "$(__git_migrate_targets; __git_migrate_migrations)"
		;;
	show,*|fix,*|diagnose,*|rehearse,*)
		__gitcomp_nl "$(__git_migrate_migrations)"
		;;
	log,*|plan,*|at,*)
		__git_complete_refs
		;;
	check,*)
		__git_complete_revlist
		;;
	drill,)
		__gitcomp "list status hint answer check abandon log
			$(git migrate drill list --porcelain 2>/dev/null | cut -d " " -f 1)"
		;;
	target,)
		__gitcomp "list add show remove restored clone"
		;;
	hook,)
		__gitcomp "pre-commit prepare-commit-msg commit-msg pre-push pre-receive update"
		;;
	esac
}

_git_migrate()
{
	local command="" sub="" i word

	# the words behind "migrate" that are neither options nor values of options
	for ((i = ${__git_cmd_idx:-1} + 1; i < cword; i++)); do
		word=${words[i]}
		case $word in
		-*)
			;;
		*)
			case ${words[i - 1]} in
			--at|--to|--target|--max-count|--reason|--check|--hooks|--kind|--name|--engine|--on|--template|--dir)
				continue
				;;
			-n)
				[ "$command" != log ] || continue
				;;
			esac
			if [ -z "$command" ]; then
				command=$word
			elif [ -z "$sub" ]; then
				sub=$word
			fi
			;;
		esac
	done
	if [ -z "$command" ]; then
		case $cur in
		-*)
			__gitcomp "--help --version"
			;;
		*)
			__gitcomp "$__git_migrate_commands"
			;;
		esac
		return
	fi
	case $prev in
	-n)
		[ "$command" != log ] || return
		;;
	--at|--to|--target|--max-count|--reason|--check|--hooks|--kind|--name|--engine|--on|--template|--dir)
		__git_migrate_value "$prev" "$cur"
		return
		;;
	esac
	case $cur in
	--*=*)
		__git_migrate_value "${cur%%=*}" "${cur#*=}"
		;;
	-*)
		__gitcomp "$(__git_migrate_options "$command")"
		;;
	*)
		__git_migrate_argument "$command" "$sub"
		;;
	esac
}
