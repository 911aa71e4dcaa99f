<?php
// SPDX-License-Identifier: BSD-3-Clause
// Work for PHP, which opens extensions with RTLD_DEEPBIND: makes an archive and reads it back, fetches a file by curl.
$directory = $argv[1];
$texts = [];
for ($i = 0; $i < 200; $i++)
    $texts["file$i"] = str_repeat("line $i of a text\n", $i * 10);
$archive = new ZipArchive;
$archive->open("$directory/texts.zip", ZipArchive::CREATE) === true || exit(1);
foreach ($texts as $name => $text)
    $archive->addFromString($name, $text);
$archive->close() || exit(1);

$transfer = curl_init("file://$directory/texts.zip");
curl_setopt($transfer, CURLOPT_RETURNTRANSFER, true);
$fetched = curl_exec($transfer);
$fetched === file_get_contents("$directory/texts.zip") || exit(1);
curl_close($transfer);
file_put_contents("$directory/copy.zip", $fetched);

$archive->open("$directory/copy.zip") === true || exit(1);
foreach ($texts as $name => $text)
    $archive->getFromName($name) === $text || exit(1);
$archive->close();
mysqli_report(MYSQLI_REPORT_OFF);
@mysqli_connect(null, 'nobody', '', '', 0, "$directory/no-socket") === false || exit(1);
preg_match_all('/line (\d+)/', implode('', $texts), $lines);
json_decode(json_encode($lines), true) === $lines || exit(1);
echo count($lines[1]), " done\n";
