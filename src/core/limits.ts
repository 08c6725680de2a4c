/** Every limit of the service, unit last in its name, with its reason. Sorted by area. */

// HTTP
/** A control-plane JSON body; the largest legitimate one (a dashboard) stays well below. */
export const jsonBodyBytesMax = 64 * 1024
/** Nesting of a control-plane JSON body: recursive schemas and handlers must not run out of stack. */
export const jsonDepthMax = 32
/** Path and query of a request; long queries go to POST /logs/search. */
export const urlCharsMax = 16 * 1024
/** Greatest number of a list page: beyond it OFFSET is only a way to make the database work. */
export const pageNumberMax = 100_000
/** Mistakes that one answer names, and characters of an unknown name in it: the first ones help, thousands do not. */
export const problemIssuesMax = 20
export const problemNameCharsMax = 100
/** Rows of one list page, by default and at most: an answer must fit memory and one D1 reply. */
export const pageSizeDefault = 50
export const pageSizeMax = 500
/** Seconds that a caller waits when a storage was overloaded; D1 and Durable Objects recover within a few. */
export const retryAfterSeconds = 5
/** Names that people give; fits every list of the console. */
export const nameCharsMax = 100
/** RFC 5321: 64 + @ + 255, less the angle brackets of a path. */
export const emailCharsMax = 254
/** Clients one isolate counts at a time: about 150 bytes each. The oldest is forgotten first. */
export const rateClientsMax = 20_000
/** KV takes one write a second a key and bills each: a client's count is written at most this often. */
export const rateFlushMs = 10_000
/** A client is written to KV once for each such part of its limit that it used, over all isolates and on average. */
export const rateFlushShare = 0.1
/** What others told is read again when this part of the limit was used here since, and at most this often. */
export const rateReadShare = 0.01
export const rateReadMs = 10_000
/** Isolates that the record of one client names, in some 20 bytes each: more tell of no client that keeps to its limit. */
export const rateTellersMax = 100
/** A health answer is reused this long, so that a public address cannot make the storages work. */
export const healthCacheMs = 2_000
/** One health check that takes longer counts as down. */
export const healthCheckMs = 2_000

// Cost meter
/** An isolate reports what it counted this often: each report is one request and one or two row writes. */
export const meterFlushMs = 10_000
/** It reports earlier once this many dollars wait, of which the report is a hundredth: an object may be gone in ten seconds. */
export const meterFlushDollars = 0.0002
/** Operations that are counted apart, some 200 bytes each; there are fewer routes, and further names are added up as one. */
export const meterOperationsMax = 500
/** SQL texts that an isolate knows the column names of; the code has fewer, and further ones are counted less exactly. */
export const meteredStatementsMax = 1000

// Authentication
/** What NIST SP 800-63B asks for at least: guesses over the network are throttled. And long enough for any passphrase. */
export const passwordCharsMin = 8
export const passwordCharsMax = 128
/** Have I Been Pwned answers in some 100 ms; nobody waits longer than this for it, and a password is taken without it. */
export const breachedCheckMs = 1_500
/** About a thousand suffixes of 40 characters are an answer. */
export const breachedReplyBytesMax = 256 * 1024
/** Memory of one scrypt run: 128 * N * r bytes is 32 MiB, and an isolate has 128 MB. */
export const scryptMemoryBytesMax = 64 * 1024 * 1024
/** A stolen access token works this long without D1 having a say; a session is still checked at each request. */
export const accessTokenTtlSeconds = 15 * 60
/** A refresh token that nobody uses dies; each use gives a new one with a new term. */
export const refreshTokenTtlMs = 7 * 24 * 60 * 60 * 1000
/** However often a session is refreshed, it ends then: whoever copied it must log in, with the second factor that there may be by then. */
export const sessionAgeMsMax = 90 * 24 * 60 * 60 * 1000
/** A refresh token of ours has 107 characters; longer text is not looked at. */
export const refreshTokenCharsMax = 200
/** Lost answers and parallel tabs: the replaced refresh token is still taken this long. */
export const refreshGraceMs = 10_000
/** A token of ours has about 500 characters; longer text is not parsed at all. */
export const jwtCharsMax = 2048
/** Failed logins of one e-mail and of one address within the window, before more are refused. */
export const loginFailuresPerAccountMax = 5
export const loginFailuresPerAddressMax = 20
export const loginWindowMs = 15 * 60 * 1000
/** Logins under way hold places too. One that finds only those in its way waits and tries again: 20 times 250 ms, a few password checks. */
export const loginWaitMs = 250
export const loginWaitsMax = 20
/** A check that takes longer died with its isolate, and counts as a failure. */
export const loginPendingMs = 30_000
/** Registrations with one e-mail: each is a mail to somebody who may not have asked. More are answered alike and do nothing. */
export const registrationsPerEmailMax = 3
/** Registrations from one address: each is four rows and a password hash. An office behind one address still gets in. */
export const registrationsPerAddressMax = 20
/** Mails about one e-mail that anybody can ask for (a reset, a confirmation): one, one that got lost, and one more. */
export const askedMailsPerEmailMax = 3
export const askedMailsPerAddressMax = 20
/** Pre-registrations: an e-mail is kept once, so these bound only the work that one address makes. */
export const preRegistrationsPerEmailMax = 3
export const preRegistrationsPerAddressMax = 20
/** Changes of e-mail that one person begins: each is a mail to an address that may be anybody's. To one address, `askedMailsPerEmailMax`. */
export const emailChangesPerUserMax = 5
/** Exports of all that is known of a person: each reads some tables whole. */
export const exportsPerUserMax = 5
/** Invitations of one organization to one e-mail, and to all: a team of any size comes in over a day. */
export const invitationsPerEmailMax = 5
export const invitationsPerOrganizationMax = 100
/** The same of one person in all organizations, and from one address: else a new organization for each hundred would do. */
export const invitationsPerPersonMax = 200
export const invitationsPerAddressMax = 400
/** Users that one person makes, in all accounts, and from one address: each answer tells whether somebody has the e-mail. */
export const createdUsersPerPersonMax = 30
export const createdUsersPerAddressMax = 60
/**
 * Mails with an invitation to one e-mail, whoever invites. Beyond it invitations are made as ever, without a mail: a tenant must
 * neither keep others from inviting somebody nor learn that others do.
 */
export const invitationMailsPerEmailMax = 10
/** Notices (core/mails.ts) to one e-mail about one organization, account or user, and about all: the last of a row tells enough. */
export const noticesPerOwnerMax = 5
export const noticesPerEmailMax = 20
/** Mails that tell of wrong codes behind a right password: one is enough to change the password in time. */
export const failedCodeMailEveryMs = 24 * 60 * 60 * 1000
/** Characters of a subject: lists of mails show fewer. */
export const subjectCharsMax = 150
/** Gmail cuts away what is beyond 102 KB; these keep the worst alert below. Groups that its mail shows, and their markup. */
export const mailGroupsMax = 20
export const mailGroupsBytesMax = 40_000
/** Characters of a value of a group, of a log's message, and of a query, a description or an error, that a mail shows. */
export const mailValueCharsMax = 120
export const mailLogCharsMax = 400
export const mailTextCharsMax = 800
/** Characters of a link: Outlook would take up to 2,083. */
export const mailUrlCharsMax = 1_500
/** What the mail limits above count within. */
export const mailWindowMs = 60 * 60 * 1000
/** Old attempts removed by each new one: more than it adds, so the table shrinks to what the window holds. */
export const loginCleanupRowsMax = 20
/** Ended sessions of a user that a new login removes. */
export const sessionCleanupRowsMax = 20
/** How long a proof of the password lets a session delete things, make keys and hand over ownership. */
export const stepUpMs = 15 * 60 * 1000
/** Ended single-use tokens that each new one removes. */
export const tokenCleanupRowsMax = 20
/** Life of the single-use tokens that mails carry: long enough for a mailbox read once a day, an hour where a token gives the account away. */
export const verifyEmailTtlMs = 24 * 60 * 60 * 1000
export const resetPasswordTtlMs = 60 * 60 * 1000
export const setPasswordTtlMs = 7 * 24 * 60 * 60 * 1000
export const changeEmailTtlMs = 24 * 60 * 60 * 1000
export const invitationTtlMs = 7 * 24 * 60 * 60 * 1000
/** What is deleted can be restored this long; then it is purged. */
export const deletedKeptMs = 30 * 24 * 60 * 60 * 1000
/** Rows that an export of a person reads at a time, and takes of one kind at most: a Worker may ask D1 a thousand times. */
export const personExportPageRows = 500
export const personExportRowsMax = 50_000
/** The longest language tag that RFC 5646 (section 4.4.1) wants to be kept whole; time zones have at most 32 characters. */
export const localeCharsMax = 35
export const timeZoneCharsMax = 64
/** Nobody alive was born before. */
export const birthDateMin = '1900-01-01'
/** Tries to write a profile that somebody else is changing at the same time. */
export const profileWriteTriesMax = 3
/** Tries to delete a user whose organizations change at the same time. */
export const deleteUserTriesMax = 3
/** Users of one account: lists and their search stay quick. */
export const usersPerAccountMax = 10_000
/** Days that entries of the audit log are kept unless the organization says otherwise; a year, as auditors ask for. */
export const auditDaysDefault = 365
/** What an organization may say: a month shows what led to a trouble, ten years are the longest that laws ask for. */
export const auditDaysMin = 30
export const auditDaysMax = 3650
/** Entries that one page of a filtered list looks at, newest first: D1 bills each. The next page goes on behind them. */
export const auditWindowRowsMax = 10_000
/** The same for one page of an export, which is in memory as a whole: about a megabyte. */
export const auditExportWindowRows = 2_000
/** Entries that one statement of retention removes, and such statements of one run of the schedule. */
export const auditRemovedRows = 5_000
export const auditRemovalsMax = 20
/** Text in the place of a target's id: a UUID has 36 characters, a name of a segment some 50. */
export const auditTargetCharsMax = 100
/** Mails whose message was lost that one sweep sends on; one without success for so long. */
export const mailSweepRowsMax = 100
export const mailStuckMs = 10 * 60 * 1000
/** A mail that could not be delivered for so long has failed: its token has expired by then, or soon will. */
export const mailGivenUpMs = 24 * 60 * 60 * 1000
/** Characters of the reason that a mail keeps. */
export const mailErrorCharsMax = 500
/** One delivery of a mail has it this long, twice what a job of `email-jobs` may take. Then another one may. */
export const mailLeaseMs = 2 * 60 * 1000
/** A mail that could not be delivered comes again by the queue within `jobRetrySecondsMax`; only later the sweep sends it on. */
export const mailRetryStuckMs = 70 * 60 * 1000
/** For one message, all in all: a server that sends a byte now and then would otherwise hold the queue up. Less than a job may take. */
export const smtpDeadlineSecondsMax = 50
/** What a mail server may say in one reply: real ones say some hundred bytes. */
export const smtpReplyBytesMax = 64 * 1024
/** Files of one mail together: base64 makes a third more of them, and many servers refuse more than 20 MB. */
export const mailAttachmentsBytesMax = 8 * 1024 * 1024
/** A value of a header: a line has at most 998 (RFC 5322, section 2.1.1), with its name and brackets. Names of files have much less. */
export const mailHeaderCharsMax = 950
export const mailFileNameCharsMax = 200
/** Wait for the answer of a mail service. */
export const mailServiceMs = 30_000
/** Mails that one can do without, to one e-mail: a rule that fires for each of 100 groups must not fill a mailbox. */
export const optionalMailsPerEmailHourMax = 60
export const optionalMailsPerEmailDayMax = 300
/** Mails of alerts and reports of one organization, to whomever: its rules and addresses multiply, what a mail service takes does not. */
export const organizationMailsHourMax = 500
export const organizationMailsDayMax = 3_000
/** A mailbox that was not there is tried again after so long: people move back, and servers err. */
export const bounceCountsMs = 30 * 24 * 60 * 60 * 1000
/** Life of the note that an event of a mail service was seen; SendGrid repeats one for a day. */
export const mailEventsKeptMs = 7 * 24 * 60 * 60 * 1000
/** An event report that was signed longer ago, or later, is not believed: who recorded one could send it again. */
export const mailEventWindowMs = 10 * 60 * 1000
export const mailEventBytesMax = 1024 * 1024
export const mailEventsMax = 2_000
/** A link to end mails holds an e-mail, and some more. */
export const unsubscribeTokenCharsMax = 1_000
export const unsubscribeBodyBytesMax = 4 * 1024
/** Who has not confirmed an e-mail after so long is reminded; `mailsKeptMs` after the registration nobody is any more. */
export const verifyReminderAfterMs = 2 * 24 * 60 * 60 * 1000
/** Who registered, never confirmed and stored nothing is deleted after so long, and at least so long after the reminder. */
export const unverifiedKeptMs = 14 * 24 * 60 * 60 * 1000
export const unverifiedNoticeMs = 7 * 24 * 60 * 60 * 1000
/** People of one run of the schedules: each reminder is two statements of a batch, each deletion two batches. */
export const verifyRemindersMax = 100
export const unverifiedRemovedMax = 50
/** Digests: hour of Monday, what each of their tables shows, organizations of one run and query, and members of one D1 batch. */
export const digestHour = 8
export const digestRowsShownMax = 5
export const digestAlertsShownMax = 10
export const digestOrganizationsMax = 5_000
export const digestOrganizationsPerPage = 500
export const digestMailsPerBatch = 40
/** What went out is kept this long, for the question whether it did; one run of the schedule removes at most so many. */
export const mailsKeptMs = 30 * 24 * 60 * 60 * 1000
export const mailsRemovedMax = 5_000
/** Sign-ins, tokens and sessions that ended: what one statement of the schedule removes, and how long after. */
export const endedRowsRemovedMax = 5_000
export const endedKeptMs = 24 * 60 * 60 * 1000
/** Stored with a session to show people their devices. */
export const userAgentCharsMax = 400
/** The longest names of places that there are have fewer. */
export const cityCharsMax = 100
/** Devices of a person that a login does not tell of; beyond them the one not seen for the longest is new again. */
export const userDevicesMax = 100
/** Shared secret of a second factor: as long as the hash (RFC 4226, section 4). */
export const totpSecretBytes = 20
/** Codes of that many 30-second steps before and after the present one are taken: clocks of phones differ, and typing takes time. */
export const totpWindowSteps = 1
/** A secret that was asked for and not confirmed is worth nothing after this: the page that showed it is gone. */
export const totpSetupMs = 15 * 60 * 1000
/** Recovery codes of a person, 80 random bits each. */
export const recoveryCodesCount = 10
export const recoveryCodeBytes = 16
/** A recovery code of ours has 19 characters; people add blanks. */
export const recoveryCodeCharsMax = 40

// Members, invitations, teams
/** Members of an organization: lists are searched by a scan of them. */
export const membersPerOrganizationMax = 10_000
/** Invitations that wait for an answer. */
export const openInvitationsPerOrganizationMax = 500
/** Invitations stay this long after their term; each new one removes up to so many older ones, more than it adds. */
export const invitationKeptMs = 30 * 24 * 60 * 60 * 1000
export const invitationCleanupRowsMax = 20
/** Many more than departments a tenant names one by one; deleted ones count apart until their purge. */
export const teamsPerOrganizationMax = 500
/** A team says in a few sentences what it is for. */
export const teamDescriptionCharsMax = 1000

// Accounts and organizations
/** Organizations that are not deleted, of one account: each has shards and a live tail of its own, and lists stay readable. */
export const organizationsPerAccountMax = 100
/** Owners that get a mail about their organization: the longest-standing ones; more are a list, not owners. */
export const ownersToldMax = 20

// Purge
/** Beyond `deletedKeptMs`, so that no clock that goes wrong lets a restore and the purge meet. */
export const purgeMarginMs = 60 * 60 * 1000
/** Deleted things of one kind that a round starts to purge; the rest waits for the next round, six hours later. */
export const purgeStartsMax = 500
/** One step of a purge: shards that are told, rows of one table, objects of one listing, people. It ends well before an invocation's limits. */
export const purgeShardsMax = 8
export const purgeRowsMax = 1000
export const purgeObjectsMax = 1000
export const purgeUsersMax = 20
/** More than people: a team is one batch of three statements, a person many. */
export const purgeTeamsMax = 100

// API keys
/** Many more than producers a tenant names one by one; keeps lists and their search quick. */
export const apiKeysPerOrganizationMax = 1000
/** A key revoked in another isolate works at most this long. */
export const apiKeyCacheMs = 60_000
/** An unknown key is asked for again after this time: a new one may just have been made elsewhere. */
export const apiKeyMissCacheMs = 5_000
/** Keys an isolate remembers, about 400 bytes each. The oldest is forgotten first. */
export const apiKeyCacheEntriesMax = 10_000
/** `last_used_at` is written at most this often a key: each write is billed. */
export const lastUsedStepMs = 60 * 60 * 1000
/** How long the value of a rotated key may go on working: a week of deployments; what lives longer is two keys. */
export const apiKeyGraceSecondsMax = 7 * 24 * 60 * 60
/** Greatest limit that a key may carry; the one of the deployment holds as well. */
export const apiKeyRatePerMinuteMax = 1_000_000

// Saved filters, dashboards
/** Filters that one person keeps in an organization, and all of its people: lists are searched by a scan of them. */
export const savedFiltersPerUserMax = 200
export const savedFiltersPerOrganizationMax = 5_000
/** JSON of one definition: the longest query and a screenful of columns; a page of 500 stays at some megabytes. */
export const savedFilterBytesMax = 8 * 1024
/** Sources that a filter names one by one, and columns that a table of logs can show. */
export const savedFilterSourcesMax = 50
export const logColumnsMax = 50
/** Many more than people look at; deleted ones are gone at once. */
export const dashboardsPerOrganizationMax = 500
/** A dashboard says in a few sentences what it is for. */
export const dashboardDescriptionCharsMax = 1000
/** Panels of one dashboard: some screens full, each a query of all shards whenever somebody looks. */
export const dashboardPanelsMax = 24
/** The grid of a dashboard: twelve columns divide by 2, 3, 4 and 6; rows as all panels under each other need. */
export const dashboardColumns = 12
export const dashboardPanelRowsMax = 24
export const dashboardRowsMax = dashboardPanelsMax * dashboardPanelRowsMax
/** Characters of a panel's id, such as a UUID. */
export const panelIdCharsMax = 64
/** Lines of one chart: more cannot be told apart. */
export const panelSeriesMax = 50
/** Rows of a table and logs of a list within a dashboard; more are a search of their own. */
export const panelRowsMax = 200
export const panelLogsMax = 100
/** Panels that run at a time: each asks up to `fanOutMax` shards by itself. */
export const dashboardPanelsAtOnce = 3
/** Raw bytes of all scans of a dashboard, and its time: as much as one query may take. */
export const dashboardScanBytesMax = 16 * 1024 * 1024 * 1024
export const dashboardMsMax = 20_000
/** An answer is shown again this long: people of a team who look at one dashboard make its queries once. */
export const dashboardCacheMs = 5_000
/** Answers that an isolate keeps so long, and their characters as JSON; as objects they take some three times that. */
export const dashboardCacheEntriesMax = 200
export const dashboardCacheCharsMax = 4 * 1024 * 1024
/** A value before or after a change is kept by the audit log up to so many characters of JSON. */
export const auditValueCharsMax = 200
/** Details and changes of one audit entry, in characters of JSON: the log of all organizations shares one database of 10 GB. */
export const auditEntryCharsMax = 2_000
/**
 * Writes of an organization's API keys in a minute, apart from sending logs: each is a row of the audit log, and an administrator's
 * key may send thousands of requests. Single logs are edited one by one at that pace; for many there is the erasure by query.
 */
export const keyWritesPerMinuteMax = 300

// Queues
/** A message of a queue is at most 128 KB; its envelope takes the rest. */
export const jobBytesMax = 120_000
/** Messages of one call, and their bytes: Cloudflare refuses more. */
export const jobBatchMessagesMax = 100
export const jobBatchBytesMax = 240_000
/** Wait before a failed job is tried again: twice as long each time, up to this, and up to half of it less, so that they do not come together. */
export const jobRetrySeconds = 30
export const jobRetrySecondsMax = 60 * 60
/** Deliveries of a message before the platform gives it up: one, and the retries of wrangler.toml. Their waits add up to some hours. */
export const jobAttemptsMax = 11
/**
 * A job that takes longer counts as failed, so that one that hangs does not take the others of its batch along: Cloudflare ends a
 * batch after 15 minutes, and the largest of each queue (wrangler.toml) takes at most ten at this pace.
 */
export const jobRunMsMax = { 'email-jobs': 60_000, 'alert-jobs': 120_000, 'notify-jobs': 30_000, 'task-jobs': 600_000 } as const
/** Organizations of one batch of `notify-jobs` that have their turn at a time: a Worker has six connections, one of them for its queue. */
export const notifyLanesAtOnce = 5
/** After so long an organization's turn in a batch ends, and so does one of its jobs: what is left goes to the end of the queue, so late. */
export const notifyTurnMs = 5_000
export const notifyPutOffSeconds = 5
/** Writing down one that was given up takes longer only while D1 hangs: its batches end by themselves, too. */
export const buryMsMax = 30_000
/** Characters of a message of unknown form that are kept: staff see what it is, and one that is huge is none of ours. */
export const deadJobBodyCharsMax = 20_000
/** Messages that were given up are kept this long, for staff; one run of the schedule removes at most so many. */
export const deadJobsKeptMs = 30 * 24 * 60 * 60 * 1000
export const deadJobsRemovedMax = 5_000

// Schedules
/**
 * A run of a schedule that takes longer has failed, and ends with its invocation, of which Cloudflare ends those of 15 minutes. One of
 * each minute only sends messages: it has to make way for the next.
 */
export const scheduleRunMsMax = 10 * 60 * 1000
export const minuteScheduleRunMsMax = 2 * 60 * 1000
/** Its lease lasts this much longer, for writing down how it ended and for clocks that differ. */
export const scheduleLeaseMarginMs = 60 * 1000
/** Intervals of a schedule without success after which it is late: one that failed is tried again by the next. */
export const scheduleLateIntervals = 3
/** Characters of an error that a schedule keeps. */
export const scheduleErrorCharsMax = 1_000

// Alerts
/** Groups that a rule tells apart: more are not told by people, and each has its state in the rule's row. */
export const alertGroupsMax = 100
/** Rules of an organization: each is a query a minute. */
export const alertRulesPerOrganizationMax = 1_000
/** A rule says what it is for, and where to read what is to be done. */
export const alertDescriptionCharsMax = 2_000
export const alertRunbookCharsMax = 2_000
/** Fields of its groups. */
export const alertByMax = 4
/** Channels of one rule. */
export const alertChannelsMax = 10
/** The schedule comes once a minute. */
export const alertIntervalSecondsMin = 60
/** Its windows: longer ones are searches, and each is scanned anew every time. */
export const alertSecondsMax = 24 * 60 * 60
/** Logs that are later than this are too late for alerts. */
export const alertDelaySecondsMax = 60 * 60
/** So often is somebody reminded at most. */
export const alertRenotifySecondsMin = 5 * 60
/** A policy for missing data is a matter of at least so many windows: a single empty one may be chance. */
export const alertNoDataWindowsMin = 2
/** History, and notifications that went out, are kept this long. */
export const alertHistoryKeptMs = 90 * 24 * 60 * 60 * 1000
/** Logs that a notification shows. */
export const alertSampleLogsMax = 5
/** Rules that an answer names which says why a channel cannot go. */
export const alertRuleNamesMax = 5
/** Entries of a history that one page looks at, newest first: `from` and `to` choose others. */
export const alertHistoryWindowRowsMax = 10_000
/**
 * Old rows of history and notifications that one statement removes, and statements that one run of the schedule has for a table:
 * a million rows an hour, what fifty organizations may write at most. It ends before the next one begins and others have to wait.
 */
export const alertRowsRemoved = 5_000
export const alertRemovalsMax = 200
export const alertRemovalMsMax = 4 * 60_000
/** Silences of an organization that are not over: each is looked at for every notification. */
export const silencesPerOrganizationMax = 200
/** Those that are over stay to be looked up, the newest so many. */
export const silencesEndedKeptMax = 500
/** Ended ones beyond it that each new one removes: more than it adds. */
export const silencesRemovedRows = 20
export const silenceCommentCharsMax = 500
/** A silence that nobody ends: what is quiet for longer is a rule to be turned off. */
export const silenceMsMax = 366 * 24 * 60 * 60 * 1000
/** A maintenance window that comes again: longer than a day it could never end. */
export const silenceWindowMinutesMax = 24 * 60
/** Windows looked at to tell when a silence ends whose windows follow each other without a gap. */
export const silenceWindowsJoinedMax = 50
/** Characters of a cron expression: five fields with lists of days and hours fit. */
export const cronCharsMax = 100
/** Cron expressions that an isolate remembers, a few kilobytes each. */
export const cronsCachedMax = 500
/** People are told of a query that failed so often in a row: once may be chance. */
export const alertFailuresToldMin = 3
/** A group without logs for twice the longest window is gone for good, and no longer part of its rule. */
export const alertGroupForgottenMs = 2 * 24 * 60 * 60 * 1000
/** Late windows that are caught up one by one: an hour of a rule of each minute. Older ones are skipped, and the history says so. */
export const alertCatchUpWindowsMax = 60
/** A rule that stands further ahead of the clock than this was evaluated while the clock was wrong, and begins anew. */
export const alertAheadMsMax = 5 * 60 * 1000
/** How long a message keeps others from its rules: longer than it may work, so that two never do; what a crash leaves waits so long. */
export const alertLeaseMs = 3 * 60 * 1000
/** Work on the rules of one message: the next minute takes up what is left. */
export const alertJobMsMax = 60_000
/** Rules of a message evaluated at a time: each reads with up to six connections of the invocation. */
export const alertRulesAtOnce = 4
/** One query of a rule; what takes longer is no query for each minute. */
export const alertQueryMsMax = 10_000
/** What the queries of one message may decompress together: some seconds of processor time, of which a job has thirty. */
export const alertScanBytesMax = 4 * 1024 * 1024 * 1024
/** A storage that does not answer is tried again each minute; a rule that is so late because of it is told to fail. */
export const alertLateMsMax = 5 * 60 * 1000
/** Rules that one minute sends to the queue, those that wait longest first. */
export const alertDispatchRulesMax = 20_000
/** Windows that a preview evaluates. */
export const alertPreviewWindowsMax = 60
/** Groups that it shows of each. */
export const alertPreviewGroupsMax = 10
/** Groups whose logs a notification shows: each is a term of the query. */
export const alertSampleGroupsMax = 10
/** Characters of a log's message that a notification shows. */
export const alertSampleMessageCharsMax = 1_000
/** Of a value that names a group, as JSON: what is longer is cut, since rule, history, notices and mails hold the names of all groups. */
export const alertKeyValueBytesMax = 200
/** What a rule remembers of its groups, as JSON: each evaluation writes it. State and times of a group take some of it. */
export const alertGroupsBytesMax = 64 * 1024
export const alertGroupStateBytes = 250
/** Groups that a notice names, the worst; it says how many there are. Mails and messages show no more. */
export const alertNoticeGroupsMax = 20
/** A notice as JSON: it is stored once for each channel and address, and queues and receivers take it whole. */
export const alertNoticeBytesMax = 64 * 1024
/** Of a text in it, as JSON; of a link to the logs of a group, and to all: longer ones become wider until they fit. */
export const alertNoticeTextBytesMax = 4_000
export const alertGroupLinkCharsMax = 1_500
export const alertNoticeLinkCharsMax = 8_000
/** A row of D1 takes no more (developers.cloudflare.com: D1 limits); what alerts write stays far below. */
export const d1RowBytesMax = 2_000_000
/** Lines of history that one evaluation of a rule writes; another line counts the rest. */
export const alertHistoryLinesMax = 100
/**
 * Lines of history of an organization an hour, and notices, one a channel: what rules write is kept for 90 days. A thousand rules
 * that fire and are resolved once an hour need a tenth of the lines, and all of the notices. What is beyond is told later.
 */
export const alertHistoryLinesPerHourMax = 20_000
export const alertNoticesPerHourMax = 2_000
/**
 * Time of evaluations, as their last runs took, that a minute sends to the queue for one organization: four rules at a time of one
 * consumer that does nothing else, of ten. A thousand rules of 0.2 s fit. One that never ran counts as so much.
 */
export const alertDispatchMsPerOrganizationMax = 4 * 60_000
export const alertFirstRunMs = 500
/** Late windows of a rule are made up for until so much time has passed: the next minute goes on. */
export const alertCatchUpMsMax = 10_000
/** A rule that failed at least `alertFailuresToldMin` times in a row, and took so long for it, is tried so seldom until it works. */
export const alertCostlyMs = 5_000
export const alertCostlyRestMs = 5 * 60_000
/** Rules of one message of `alert-jobs`: they share the look-up of their organization and its shards, and one write. */
export const alertRulesPerJobMax = 20

// Notifications
/** Channels of an organization: more than it has teams and services to tell. */
export const channelsPerOrganizationMax = 100
/** Addresses of one e-mail channel: each notice is a mail to each. More people are a mailing list. */
export const channelRecipientsMax = 10
/** Address of a webhook; those of known receivers have some 200 characters. */
export const channelUrlCharsMax = 2_000
/** A receiver that takes longer is tried again later: whoever is told should accept first and work then. */
export const webhookTimeoutMs = 10_000
/** One that did not accept a notice lately gets less time, so that one that hangs costs little; how long that is held against it. */
export const webhookTimeoutAgainMs = 3_000
export const webhookDoubtedMs = 10 * 60_000
/** What is read of an answer, which only matters to people who look for a mistake; and what they are shown. */
export const webhookReplyBytesMax = 16 * 1024
export const webhookReplyCharsShown = 500
/** Somebody is at a notice so long: the call and what is written about it. Then another one may take it up. */
export const notificationLeaseMs = 60_000
/** Calls of an organization's channels in a minute, and of those of them that have one host: nobody is hammered on a tenant's behalf. */
export const channelCallsPerMinuteMax = 300
export const channelCallsPerHostMax = 60
/** A channel that failed so often in a row, and for so long, rests so long; then each further failure makes it rest again. */
export const channelFailuresMax = 20
export const channelFailingMs = 60 * 60_000
export const channelPauseMs = 60 * 60_000
/** Notices of one channel, and of all of an organization, that people send again in an hour. */
export const notificationRetriesPerChannelMax = 30
export const notificationRetriesPerOrganizationMax = 100
/** Notices that one job delivers before it goes on as another. */
export const notificationsPerJobMax = 8
/** A notice that was not accepted for so long is of no use any more. */
export const notificationGivenUpMs = 24 * 60 * 60 * 1000
/** A notice that is due for so long may have lost its message: the sweep sends so many on at a time, and one too many does nothing. */
export const notificationStuckMs = 20_000
export const notificationSweepRowsMax = 500
/** Of them, those of one organization: its many must not keep the few of others waiting. */
export const notificationSweepPerOrganizationMax = 30
/** Characters of the reason that a notification keeps. */
export const notificationErrorCharsMax = 500
/** Test notices of one channel, and of all of an organization, in an hour: each is a call to somebody, at the press of a button. */
export const channelTestsPerChannelMax = 10
export const channelTestsPerOrganizationMax = 60
/** The signing secret before counts on so long after a rotation: time to deploy the new one. */
export const signingSecretGraceMs = 24 * 60 * 60 * 1000
/** Life of the token in a mail that asks an address whether it wants to be written to, and how soon an organization asks it again. */
export const recipientTokenTtlMs = 7 * 24 * 60 * 60 * 1000
export const recipientAskedEveryMs = recipientTokenTtlMs
/** Mails that ask: of one organization in an hour, to one address in a day whoever asks; and addresses that an organization keeps. */
export const recipientMailsPerOrganizationMax = 30
export const recipientMailsPerEmailMax = 3
export const recipientMailsWindowMs = 24 * 60 * 60 * 1000
/** Addresses that nobody names any more, of which one run of the schedule forgets so many. */
export const recipientsForgottenMax = 5_000
/** The same mails by who asks, and of all organizations of an account, in an hour. */
export const recipientMailsPerPersonMax = 20
export const recipientMailsPerAccountMax = 60
export const recipientsPerOrganizationMax = 1_000

// Reports
/** Scheduled reports of an organization: each is a search, and mails. */
export const reportsPerOrganizationMax = 100
/** Addresses that one goes to; more people are a mailing list. */
export const reportRecipientsMax = 10
/** Rows of its file: what somebody reads in a spreadsheet; more are an export. */
export const reportRowsDefault = 1_000
export const reportRowsMax = 10_000
/** Its file: mail servers take some 10 MB, of which Base64 takes a third. */
export const reportBytesMax = 5 * 1024 * 1024
/** Time between two of its times, and how many of them are looked at: those of a month, were it each hour of each day. */
export const reportEveryMsMin = 60 * 60 * 1000
export const reportTimesChecked = 750
/** Reports that one run of the schedule sends on, and of these one organization's; the others are for the next minutes. */
export const reportDispatchRowsMax = 200
export const reportDispatchPerOrganizationMax = 10
/** Reports that people of one organization send out beside their times, in an hour: each is a search and up to ten mails. */
export const reportRunsAskedMax = 30
export const reportRunsWindowMs = 60 * 60 * 1000
/** How often one report goes out at most, asked for or not. */
export const reportRunEveryMs = 60_000
/** A job that runs a report is taken for dead after this: a little more than it has. */
export const reportLeaseMs = jobRunMsMax['task-jobs'] + 60_000
/** Times that one run of the schedule takes a thousand files of reports away; the others are for its next one. */
export const reportFilesRoundsMax = 10
/** Characters of the reason why one did not go out. */
export const reportErrorCharsMax = 500
/** A file waits so long for its mails, which are given up after a day. */
export const reportFilesKeptMs = 2 * 24 * 60 * 60 * 1000

// Ids
/** A log id is 64 bits: 16 for the shard's number, 48 for the row's sequence number. */
export const shardNumberMax = 0xffff
export const seqMax = 2 ** 48 - 1

// Ingest
/** Event times end at 2286-11-20T17:46:40Z (exclusive): 13 digits of milliseconds, which epoch units are told apart by. */
export const timestampMsMax = 1e13
/** A request body as it is sent; a batch is best at a hundredth of that. */
export const ingestBodyBytesMax = 10 * 1024 * 1024
/** The same after decompression: with its rows and blocks it has to fit the 128 MB of an isolate. */
export const ingestRawBytesMax = 32 * 1024 * 1024
/** Frames of one zstd body: each is a call of its own of up to a millisecond; 32 MiB in frames of 128 KiB are 256. */
export const zstdFramesMax = 512
/** Records of one request: tiny ones cost more memory and time than their bytes tell. */
export const ingestRecordsMax = 250_000
/** One record as JSON; a longer one is a file, not a log. */
export const recordBytesMax = 256 * 1024
/** Attributes of one record: each is a column of its block. */
export const attributesPerRecordMax = 256
/** Field names that one request remembers between its records, about 200 bytes each; further ones are worked out anew. */
export const fieldNamesCachedMax = 16_384
/** Names beyond those that are worked out for one request: the 64 blocks of a batch have no more columns. */
export const fieldNamesUncachedMax = 128 * 1024
export const attributeNameBytesMax = 256
/** Nested objects within a record; deeper ones are accidents or attacks. */
export const recordDepthMax = 32
/** Digits of an integer that is kept exact as a number (128 bits need 39); a longer one is kept as text. */
export const integerDigitsMax = 40
/** Rejected records that the answer lists; the count has all of them. */
export const ingestErrorsMax = 100
/** Header text of one Idempotency-Key. */
export const idempotencyKeyCharsMax = 255
/** Organizations whose shards an isolate remembers, about 300 bytes each. The oldest is forgotten first. */
export const shardCacheEntriesMax = 10_000

// Log shard (one Durable Object)
/** Durable Object SQLite refuses rows and blobs above 2 MB; the rest is the row's other columns. */
export const shardRowBytesMax = 1_990_000
/** An RPC message is at most 32 MiB; the rest is framing and metadata. */
export const shardRpcBytesMax = 30 * 1024 * 1024
/** Blocks of one batch: 32 MiB of records cannot need more, and each is one row write. */
export const shardBatchBlocksMax = 64
/** Blocks of one shard: 28 MB of index, and half as much again while a query looks at all of them. */
export const shardBlocksMax = 500_000
/** Blocks whose metadata is read at a time when a shard wakes: as objects they take ten times as much as in the index. */
export const shardLoadBlocks = 1000
/** How long a producer may retry a batch under the same Idempotency-Key. */
export const idempotencyTtlMs = 24 * 60 * 60 * 1000
/** Keys held in memory, about 60 bytes each: more than 4 keyed batches a second for 24 hours. The oldest give way. */
export const idempotencyKeysMax = 400_000
/** Idempotency keys of sealed batches that one SQLite row holds, 96 bytes each. */
export const sealedKeysPerRowMax = 16_384
/** Edited and deleted rows that wait for the next merge: they are checked in every query that meets their block. */
export const patchesPerShardMax = 20_000
/** Content of edited rows that wait for the next merge; it is kept encoded in memory. */
export const patchBytesPerShardMax = 8 * 1024 * 1024
/** What each attribute of an edited row counts beside its text: it may be a column of its own. */
export const patchAttributeBytes = 32
/** Edited rows that are encoded together: encoding them anew after an edit takes some milliseconds. */
export const patchGroupRowsMax = 256
export const patchGroupBytesMax = 256 * 1024
/** Heads of blocks kept in memory, so that a repeated query reads no SQLite row for blocks it can rule out. */
export const headCacheBytesMax = 16 * 1024 * 1024
/** Rows of one answer of a shard, so that neither side holds more than a few times this in memory. */
export const shardReplyBytesMax = 8 * 1024 * 1024
/** Blocks of one delivery to LiveTail: small enough to be quick, large enough to catch up. */
export const tailDeliveryBytesMax = 4 * 1024 * 1024
/** Sealed rows of one answer to a tail that resumes: they are sorted anew by sequence number, row by row. */
export const tailSealedRowsMax = 4096
/** Indexes of segments that a shard keeps for tails that resume, of some 30 segments: most of its memory is for jobs. */
export const shardIndexCacheBytesMax = 4 * 1024 * 1024
/** Tries to read or change sealed rows while jobs rewrite their segments; one job takes longer than reading. */
export const sealedReadTriesMax = 5
/** Waits before a failed delivery to LiveTail is tried again; then the next batch starts it anew. */
export const tailRetryWaitsMs: readonly number[] = [50, 250, 1000]

// Segments and the jobs of a shard (R2)
/** One call of R2, after which it counts as failed: 32 MiB take some seconds, and the alarm that waits ends after 15 minutes. */
export const objectCallMs = 30_000
/** Waits before a failed read is tried again; then the caller has to do with the error. */
export const objectReadRetryWaitsMs: readonly number[] = [50, 250]
/** Hot blocks are sealed when they hold this many bytes: large enough for few objects, small enough to merge in memory. */
export const sealBytesDefault = 16 * 1024 * 1024
/** More would not fit the memory of an object: all of it is merged at once. */
export const sealBytesMax = 32 * 1024 * 1024
/** Hot blocks are sealed when the oldest is this old: what is lost with an object's disk is no more than this. */
export const sealAgeSecondsDefault = 5 * 60
/** Hot blocks of one shard while sealing does not keep up, as when R2 fails; then batches are refused. */
export const hotBytesMax = 1024 * 1024 * 1024
/** Replaced segments stay this long, so that queries that began before can finish; so does what a dead job left. */
export const segmentGraceMs = 15 * 60 * 1000
/** Segments smaller than this are merged with others of their day. */
export const mergeSmallBytesMax = 8 * 1024 * 1024
/** What a merge must at least multiply the size of each row's segment by: this bounds how often a row is written. */
export const mergeGrowthMin = 1.5
/** Input of one merge: input and output together stay in memory. */
export const mergeBytesMax = 24 * 1024 * 1024
/** A segment is cut here: what is merged should not be split again. */
export const segmentBytesMax = 32 * 1024 * 1024
/** Rows of one segment: a rewrite, patches included, stays far below `mergeRowsMax`, and takes 24 MB for their order. */
export const segmentRowsMax = 1_000_000
/** Small segments of similar size that make a merge due. */
export const mergeWidth = 8
/** A day's last small segments are merged when it ended this long ago and none of them is younger: most late logs are there. */
export const mergeDayAfterMs = 6 * 60 * 60 * 1000
/** Patched rows of a segment are folded in when the oldest of their patches is this old; until then they cost each query. */
export const foldAgeMs = 60 * 60 * 1000
/** Share of the patches that a shard may have from which on they are folded in at once. */
export const foldShare = 0.5
/** Segments of one shard, about 600 bytes each in memory: 480 GB when they are full. Then batches are refused. */
export const segmentsPerShardMax = 20_000
/** Event days that one seal writes segments for; logs of further days share the last one. */
export const sealDaysMax = 8
/** A day's rows get a segment of their own when they take about this many bytes: smaller ones cost more requests than they save. */
export const sealDayBytesMin = 1024 * 1024
/** Days between two event days from which on they never share a segment: the clock of one of them is wrong. */
export const sealDayGapMax = 7
/** Memory of all blocks of one seal, were they open at once (see `blockMemoryBytes`): 170 MiB raw, some two seconds of CPU. */
export const sealOpenedBytesMax = 512 * 1024 * 1024
/** Blocks of one seal: planning it reads the head of each. */
export const sealBlocksMax = 4096
/** How often a seal or merge may read its inputs, on average, before it takes fewer of them: what overlaps in time is opened anew for each block of the output. */
export const rewriteReadsMax = 8
/** Small segments of one shard from which on they are merged across days: what clocks that are wrong make of them would never end. */
export const smallSegmentsMax = 256
/** A segment of so much raw data is as large as one of `mergeBytesMax`: it is what a merge has to work through. */
export const mergeRawBytesMax = 192 * 1024 * 1024
/** Operations of the manifest are kept this long, so that what became of the segments can be checked. */
export const manifestKeepMs = 90 * 24 * 60 * 60 * 1000
/** Deletes by query at work in one shard: each is one more filter in every query. */
export const erasuresPerShardMax = 10
/** The same with those that are done but for damaged segments, whose rows they keep out of sight. */
export const erasuresKeptMax = 50
/** A segment that no read has found for so long counts as lost; one answer alone may be a fault of the moment. */
export const segmentMissingMs = 5 * 60 * 1000
/** Deletes by query that are over, of which a shard still tells what became of them: some 200 bytes each. */
export const erasuresEndedMax = 1000
/** Waits after a job failed, then its last again and again; other kinds of jobs go on meanwhile. */
export const jobRetryWaitsMs: readonly number[] = [1000, 5000, 30_000, 120_000, 300_000]
/** A job that was killed is begun again after this, should the platform not do it. */
export const jobKilledMs = 5 * 60 * 1000
/** Keys of one R2 delete call. */
export const objectDeleteKeysMax = 1000
/** Operations of one page of the manifest. */
export const manifestPageMax = 500

// Live tail (one Durable Object per organization)
/** A ticket is used at once by the client that asked for it. */
export const tailTicketTtlMs = 60_000
/** Used tickets forgotten with each new one: more than one, so that the table shrinks to what is still valid. */
export const tailTicketsForgottenMax = 100
/** Each further subscriber costs its filter on every block and its share of one object's single thread. */
export const tailSubscribersMax = 500
/** Positions of more shards would not fit, with the query, into the 16 KB that survive hibernation. */
export const tailShardsMax = 400
/** A revoked person or key sees no new row after this; the client then resumes with a new ticket, without a gap. */
export const tailConnectionMs = 60 * 60 * 1000
/** What a client may send: acknowledgements and pings, the former with a cursor of at most 6 KB. */
export const tailClientMessageCharsMax = 16 * 1024
/** Messages of one client; each wakes the object and is billed. */
export const tailClientMessagesPerSecond = 200
/** Refused messages of one connection before it is closed. */
export const tailStrikesMax = 10
/** Rows and bytes that one subscriber is sent per second; no browser shows more. What does not fit is dropped and told. */
export const tailRowsPerSecond = 20_000
export const tailBytesPerSecond = 8 * 1024 * 1024
/** A subscriber that was quiet may get this many seconds' worth at once; it waits in the object's memory. */
export const tailBurstSeconds = 2
/** A client that never acknowledged may have stopped reading: all that it is sent then stays in the object's memory. 5,000 rows take 1.6 MB. */
export const tailUnackedBytesPerSecond = 3 * 1024 * 1024
export const tailUnackedBurstBytes = 8 * 1024 * 1024
/** The same for all such clients of an object together: 100 of them with filters take 13 MB at 5,000 rows a second. */
export const tailUnackedSharedBytesPerSecond = 24 * 1024 * 1024
export const tailUnackedSharedBurstBytes = 32 * 1024 * 1024
/** Rows and bytes on their way to a client that acknowledges; more are dropped, so that a stalled client costs no more memory. */
export const tailWindowRowsMax = 10_000
export const tailWindowBytesMax = 4 * 1024 * 1024
/** The same for all of them together, of an isolate's 128 MB; beyond it each may have its even share on its way. */
export const tailWindowSharedBytesMax = 32 * 1024 * 1024
/** Part of the window that must be free before a subscriber is caught up any further: each read opens whole blocks. */
export const tailCatchUpShareMin = 0.1
/** Rows of a shard that a resuming subscriber may be behind: half a minute of evaluation at worst, in small steps. */
export const tailResumeRowsMax = 1_000_000
/** Rows and raw bytes that it may be behind in segments: 32 answers of the shard, whose one thread works a second or two for them. */
export const tailResumeSealedRowsMax = 131_072
export const tailResumeSealedBytesMax = 128 * 1024 * 1024
/** Rows that pass a filter by before its subscriber is told a fresh cursor, so that resuming stays cheap. */
export const tailQuietRowsMax = 50_000
/** Rows and characters of one message. */
export const tailMessageRowsMax = 500
export const tailMessageCharsMax = 512 * 1024

// Sharding
/** Load of one shard beyond which its region gets another one: some 40 % of what an object takes, so that there is time. */
export const shardAppendsPerSecondMax = 400
/** Encoded bytes; sealing keeps up with several times this. */
export const shardBytesPerSecondMax = 8 * 1024 * 1024
/** Over which a shard measures that: a burst of a second or two is no reason for a shard that stays for ever. */
export const shardRateWindowMs = 10_000
/** Shards of one organization in one region: 3,000 batches a second, and each query asks all of them. */
export const shardsPerRegionMax = 8
/** An isolate uses its list of an organization's shards this long. */
export const shardListCacheMs = 60_000
/** A new shard takes batches after this time, when no isolate has an older list; the rest is for clocks that differ. */
export const shardActivationMs = shardListCacheMs + 5_000
/** Regions of organizations that an isolate remembers to have asked for a shard, about 100 bytes each; then it forgets all. */
export const shardAskedMax = 1000
/** A region gets at most one new shard in this time: the one before must have had an effect first. */
export const shardAddMs = shardActivationMs + 2 * shardRateWindowMs
/** A key that a shard was asked for is refused there this long: a batch that is still under way to it must not be stored twice. */
export const movedKeyMs = 10 * 60 * 1000
/** Such keys in memory, about 100 bytes each. The oldest give way. */
export const movedKeysMax = 20_000

// Quota: a shard that is not the organization's first asks that one for allowances
/** What is granted ahead, in batches like the one that asks: one call to the ledger in about that many batches. */
export const leaseAheadBatches = 32
/** All shards together are granted at most this part (one over it) of what is left ahead. */
export const leaseShare = 4
/** A ledger that takes longer is not waited for: the batches behind have their own producers waiting. */
export const leaseCallMs = 5_000
/** Rounds of asking for one batch, when others use up what it was granted. */
export const leaseRoundsMax = 8

// Settings, usage and tasks of an organization
/** Refused batches have no row of their own in a shard: their counts are written this long after the first of them. */
export const usageFlushMs = 10_000
/** Sources that a batch and a day name; what the others stored is a sum. */
export const usageSourcesPerBatchMax = 50
export const usageSourcesPerDayMax = 200
/** Characters of a source's name in the usage: longer ones that begin alike count together. */
export const usageSourceCharsMax = 100
/** Days of usage that a shard keeps, about 10 KB each: 13 months, to compare a month with that of the year before. */
export const usageDaysKept = 400
/** Days that each round of the roll-up looks at: counts that a shard still held in memory at midnight come with the next round. */
export const usageRollupDays = 2
/** Organizations of one message of it: each of their shards is asked once. */
export const usageOrganizationsPerJob = 25
/** Tasks of one organization at work at a time; each erasure is a condition in every query meanwhile. */
export const tasksRunningMax = 10
/** Of these, tasks that one person or key started: half, so that nobody keeps all others waiting. */
export const tasksRunningPerActorMax = 5
/** Tasks that one person or key starts in an hour: each is some messages and row writes. */
export const tasksPerActorMax = 100
export const tasksWindowMs = 60 * 60 * 1000
/** Body of POST /tasks: text to count words in; D1 and queues take no such values, so that it goes to R2. */
export const taskBodyBytesMax = 1024 * 1024
/** A task that waits at the request of somebody, and its steps: progress that one can watch, in few messages. */
export const waitSecondsMax = 60 * 60
export const waitStepsMax = 20
/** Most frequent words and fields that the result of a `process` task names, and characters of each: it is one value in D1. */
export const processWordsMax = 20
export const processFieldsMax = 50
export const processWordCharsMax = 100
/** Text of one object of an export before it is compressed, about: pages are added until there is so much, so memory holds twice that. */
export const exportPartBytes = 8 * 1024 * 1024
/** Objects of one export, some 8 GB: its state names the size of each. */
export const exportPartsMax = 1_000
/** Rows of one page of an account's export, and text of one of its objects. */
export const accountExportPageRows = 500
export const accountExportPartBytes = 2 * 1024 * 1024
/** Files of exports are copies beyond retention and erasure: a week, to fetch them. Archives are kept as long as their tasks. */
export const exportKeptMs = 7 * 24 * 60 * 60 * 1000
export const archiveKeptMs = 90 * 24 * 60 * 60 * 1000
/** Nobody reads what a task was sent once it is over; a day, should its last step run twice. */
export const processInputKeptMs = 24 * 60 * 60 * 1000
/** Downloads of one file are told this often at most: a client fetches it in ranges, and a link may be anywhere. */
export const downloadAuditedEveryMs = 60 * 60 * 1000
/** A step that was under way when its task was stopped may still write: files are looked for once more after this. */
export const taskLateFilesMs = 60 * 60 * 1000
/** Life of a download link. Its files end after a week. */
export const downloadLinkSecondsMin = 60
export const downloadLinkSecondsMax = 7 * 24 * 60 * 60
export const downloadLinkSecondsDefault = 24 * 60 * 60
/** A token of ours has some 300 characters; longer text is not opened. */
export const downloadTokenCharsMax = 1_000
/** Tasks whose files one run of the schedule removes. */
export const taskFilesSweptMax = 500
/** A step that failed is tried again this often, later each time; the queue itself would go on for longer. */
export const taskAttemptsMax = 5
/** A running task that nobody touched for this long has lost its message. */
export const taskStuckMs = 15 * 60 * 1000
/** Tasks that one run of the schedule takes up again. */
export const taskSweepRowsMax = 100
/** Tasks that are over stay listed this long; one run of the schedule removes at most so many of them. */
export const tasksKeptMs = 90 * 24 * 60 * 60 * 1000
export const tasksRemovedMax = 500
/** Files of archives from which on one such run takes no further task: one call of R2 for each thousand. */
export const archiveFilesRemovedMax = 20_000
/** Shards that one message of the retention schedule visits: each may have to wake. */
export const retentionShardsPerJob = 50
/** Entries of one page of segments or of their operations; an entry has about 600 bytes, and a shard gives no more at once. */
export const segmentPageMax = manifestPageMax
/** Days that one call of GET /logs/usage covers, at most and when it does not say, and sources that it names for each: an answer of at most 2 MB. */
export const usageDaysMax = usageDaysKept
export const usageDaysDefault = 30
export const usageSourcesShownMax = 50
/** Days that logs are kept unless an organization says otherwise, and the most it can say; null keeps them for ever. */
export const retentionDaysDefault = 30
export const retentionDaysMax = 3650

// Search
/** A Worker has 6 connections at once; more calls would wait for each other anyway. */
export const fanOutMax = 6
/** Raw bytes that one call to one shard may decompress: about half a second of its CPU, then the answer is partial. */
export const queryBudgetBytes = 256 * 1024 * 1024
/** What opening a block takes from that budget, measured: a thousand blocks of one row are no cheap query. */
export const queryBlockBytes = 16 * 1024
/** Raw bytes of a scan of segments in the invocation of the request itself: a fraction of a second. */
export const scanInPlaceBytes = 64 * 1024 * 1024
/** About the raw bytes, and the segments, of one scan in a further invocation: a second or two of its 30 of processor time. */
export const scanChunkBytes = 512 * 1024 * 1024
export const scanChunkSegments = 64
/** Further invocations of one query at a time: they may share the 128 MB of an isolate. */
export const scanFanOut = 3
/** Raw bytes of all scans of one query: some 80 million rows of full text; then the answer is partial. */
export const queryScanBytesMax = 16 * 1024 * 1024 * 1024
/** A query that takes longer answers with what it has; clients and proxies wait about half a minute. */
export const queryMsMax = 20_000
/** Reads of R2 at a time: the connections that an invocation has. */
export const objectReadsAtOnceMax = 6
/** Reads of one scan, well below the 10,000 subrequests of an invocation; then the scan is partial. */
export const scanReadsMax = 4000
/** Unwanted bytes between two wanted ranges that are read along: a read costs as much time as some hundred KB. */
export const scanGapBytes = 64 * 1024
/** Bodies of blocks that a scan fetches ahead of the one it looks at, as they stand in R2. */
export const scanAheadBytes = 8 * 1024 * 1024
/** Raw bytes of the blocks that a search keeps open to read rows whole; one block always is. */
export const scanOpenBytesMax = 24 * 1024 * 1024
/** Indexes of segments, and parts of their token filters, that an isolate keeps from query to query: of some 100 segments. */
export const indexCacheBytesMax = 12 * 1024 * 1024
export const filterCacheBytesMax = 6 * 1024 * 1024
/** Damage is recorded this often while queries meet it, and the health check shows it this long after the last of them. */
export const damageReportMs = 60 * 60 * 1000
export const damageShownMs = 24 * 60 * 60 * 1000
/** Damaged parts that an isolate remembers to have reported, about 150 bytes each; then it forgets all and reports anew. */
export const damageReportedMax = 10_000
/** Characters of a reason that is recorded. */
export const textReasonCharsMax = 500
/** Damaged blocks and segments that one answer names; more tell nothing new. */
export const damagedMax = 100
/** A bound such as RFC 3339 with nanoseconds and offset, or now-15m, has at most half of this. */
export const timeBoundCharsMax = 64
/** A cursor takes some 16 characters for each shard: room for a thousand. */
export const cursorCharsMax = 16 * 1024
/** Text in the place of a log id, of 13 characters: a longer one is refused, a wrong one is not found. */
export const logIdTextCharsMax = 64
/** `page` times `page_size` of GET /logs: a far page has to read all rows before it; a cursor has not. */
export const listOffsetRowsMax = 10_000
/** Reads of all shards that one numbered page may take: the rows before it may be large, or rare. */
export const listReadsMax = 20
/** Buckets of one histogram: more than a screen can show, and an answer of less than 200 KB. */
export const histogramBucketsMax = 1000
/** Buckets of a histogram whose interval is not given: about this many. */
export const histogramBucketsAuto = 60
/** Fields and values of one facets call: each field reads one more column of every block that matches. */
export const facetFieldsMax = 20
export const facetValuesMax = 100
/** Hot rows of one page of an export, as text from their shards; shardReplyBytesMax cuts pages of large rows. */
export const exportHotRows = 2000
/** Sealed rows of one page of an export, those after which it ends where a block does, and about its bytes. */
export const exportPageRows = 65_536
export const exportRowsEnough = 16_384
export const exportPageBytes = 8 * 1024 * 1024
/** Columns of an export. */
export const exportFieldsMax = 100

// Query language
/** Room for a long list of ids; parsing stays well under a millisecond. */
export const queryBytesMax = 4096
/** Parentheses within each other: parser and evaluator recurse. */
export const queryDepthMax = 32
/** Conditions of one query, each of which may read a column of every block. */
export const queryTermsMax = 256
/** Single-character wildcards of one pattern: more are no search, and each is a step for every character. */
export const globWildcardsMax = 64
/** Characters of a regular expression, and the same with counted repeats written out: compiling takes under 0.1 s. */
export const regexCharsMax = 512
export const regexUnrolledMax = 100_000
/** Instructions of a compiled regular expression: matching may take time in proportion to it for each character. */
export const regexProgramMax = 200
/** Work of one regular expression on one block, as `Matcher.worked` counts it: some seconds at worst, then the query is refused. */
export const regexBlockWorkMax = 1024 * 1024 * 1024
/** Distinct values that a facet counts at a time, about 100 bytes each; then the rarest are forgotten. */
export const facetDistinctMax = 10_000
/** Values that a shard gives beyond those asked for, so that one rare in each shard but frequent in all is found. */
export const facetMergeValues = 200
/** Longer values are one facet value when they begin alike. */
export const facetValueCharsMax = 512
/** Functions of one statistics query: each may keep a sketch of every group. */
export const statsFunctionsMax = 16
/** Fields that statistics are grouped by. */
export const statsByMax = 4
/** Groups of one answer of statistics. */
export const statsGroupsMax = 1000
/** Groups times time buckets of one statistics query, and what they may take in memory; beyond that the groups of fewest rows are dropped. */
export const statsCellsMax = 30_000
export const statsStateBytesMax = 8 * 1024 * 1024
/** Sketches (of percentiles and distinct counts) of one group over all its time buckets: at 48 KiB each at most, one group always fits. */
export const statsSketchesPerGroupMax = 1000
/** Distinct values that are counted one by one, 16 bytes each; further ones are estimated from 16 KiB of registers. */
export const distinctExactMax = 1024
/** Bins of one quantile sketch, 24 bytes each: 1 % over 17 decades. Beyond, neighbours are joined. */
export const sketchBinsMax = 2048
/** Masked messages that are told apart at a time, up to 3 kB each; then those alike become one, and the rarest are dropped. */
export const patternTextsMax = 5000
/** Messages of one block that are masked, at a microsecond or two each; of more, every n-th counts for n. */
export const patternRowsPerBlockMax = 16_384
/** Messages after which a scan masks half as many of a block, and a third after twice as many: a million rows take half a second. */
export const patternRowsFull = 8192
/** Characters of a message that are masked: a pattern is recognised by less. */
export const patternCharsMax = 1000
/** Masked words that are remembered, some 100 bytes each; few words make up most of all messages. */
export const patternWordsCachedMax = 8192
/** Words that one clustering looks at, each step of splitting all of its set: a fraction of a second for messages with nothing in common. */
export const patternWordsSeenMax = 1_000_000
/** Characters of the message that is shown as example of a pattern. */
export const patternExampleCharsMax = 512
/** Patterns of one answer. */
export const patternsMax = 500
/** Attribute names that one answer of fields has; their names alone are 250 kB at worst. */
export const fieldNamesMax = 1000
/** Rows of context before and after a row. */
export const contextRowsMax = 100

// Block (engine/block)
/** Rows of a block: row numbers fit 16 bits, and a scan of one block stays short. */
export const blockRowsMax = 65_536
/** Head and body of a block: both stand in one row of Durable Object SQLite, which takes 2 MB. */
export const blockBytesMax = 1_900_000
/** UTF-16 units of distinct texts after which a block is cut: decoding a block must stay far below 128 MB. */
export const blockTextUnitsMax = 8 * 1024 * 1024
/** Values of all columns: 8 bytes each once decoded. */
export const blockValuesMax = 4 * 1024 * 1024
/** Columns of a block, 8 of them Edgelog's own: a block of 256 different attributes a row still holds 7 rows. */
export const blockColumnsMax = 2048
/** Raw bytes of all pages; `blockTextUnitsMax` in UTF-8, twice, and `blockValuesMax` stay below. */
export const blockRawBytesMax = 96 * 1024 * 1024
/** Raw bytes of a directory: 2,048 columns with names and constants of some 256 bytes take less. */
export const blockDirectoryBytesMax = 2 * 1024 * 1024
/** Raw bytes of a page: zstd in workerd fails on inputs of 256 KiB and more. */
export const pageRawBytesMax = 128 * 1024

// Segment (engine/segment)
/** Blocks of a segment: a full block has hundreds of kilobytes, or thousands of columns, so that no segment has as many. */
export const segmentBlocksMax = 4096
/** Raw bytes of an index: a segment is cut at some 24 MiB, and its index takes less than the whole; a reader holds it in memory. */
export const segmentIndexBytesMax = 32 * 1024 * 1024

// Merge (engine/segment)
/** Rows of one merge: placing each takes some 16 bytes, and up to 24 where times or numbers lie far apart. */
export const mergeRowsMax = 2 * 1024 * 1024
/** Attribute values of a merged block, 10 bytes each while it is filled: encoding more at once would take over 100 ms. */
export const mergeValuesMax = 1024 * 1024
/** Memory of the inputs that a merge keeps open, see `blockMemoryBytes`; the one in use may be larger. */
export const mergeOpenBytesMax = 20 * 1024 * 1024
/** Inputs that a merge keeps open: what else hangs on each is not counted. */
export const mergeOpenInputsMax = 16

// Parquet
/** Rows of a row group: what a reader has to skip or take at once. */
export const parquetGroupRowsMax = 32_768
/** Values of a row group, absent ones too: they are held as JavaScript values, 8 bytes and more each. */
export const parquetCellsMax = 1024 * 1024
/** Rows and characters of one file of an archive: with its rows as objects it takes some 50 MB to make. */
export const archiveFileRowsMax = 50_000
export const archiveFileCharsMax = 16 * 1024 * 1024
/** Rows that an archive reads at a time: a page that is read anew decodes a block again. */
export const archivePageRows = 10_000
/** Files of one archive: 500 million rows, and hours of work. */
export const archiveFilesMax = 10_000
